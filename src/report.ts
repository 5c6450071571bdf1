// `tied-autoencoder/report`: a model and its data as one HTML page. Importing it has no effect.

export { type ReportImages, type ReportOptions, report } from "./report/report.ts";
