/** The worker's program, put in by vite.config.mjs. */
declare module "virtual:worker" {
  const program: string;
  export default program;
}
