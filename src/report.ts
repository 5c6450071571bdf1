// `tied-autoencoder/report`: a model and its data as one HTML page. Importing it does nothing.

export { type ReportImages, type ReportOptions, report } from "./report/report.ts";
