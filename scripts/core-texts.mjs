// What bundles in dist/ have in common that load the core from dist/wasm: each build is there as the file
// NAME.wasm, and as the text module NAME.js, which stays out of the bundles and is imported when it is needed.

/** Options of esbuild for bundles that stand in dist/ itself. */
export const besideWasm = {
  define: { WASM_FOLDER: '"wasm/"' },
  plugins: [
    {
      name: "texts of the core",
      setup({ onResolve }) {
        onResolve({ filter: /\/generated\/(baseline|relaxed)\.ts$/ }, ({ path }) => ({
          path: `./wasm/${path.replace(/^.*\/(\w+)\.ts$/, "$1")}.js`,
          external: true,
        }));
      },
    },
  ],
};
