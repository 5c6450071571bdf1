// `tied-autoencoder/script`, the file for pages without modules: models, rows of images and tables, and pictures in one global
// object, `tiedAutoencoder`. The detector, the report and storage are left out.

export * from "./index.ts";
export * from "./table.ts";
export * from "./view.ts";
