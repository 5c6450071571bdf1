// The second worker: it reads the visitor's files, fits the detector and writes the report. Its program is a separate file,
// which the page loads when it is first needed.

import { TiedAutoencoder } from "tied-autoencoder";
import { AnomalyDetector } from "tied-autoencoder/detect";
import { report } from "tied-autoencoder/report";
import type { HelperAsked, ReportRequest } from "../protocol.ts";
import { readFiles } from "./read-files.ts";
import { progress, serve } from "./serve.ts";

let detector: AnomalyDetector | undefined;
let percent = 0;

/** Reports progress once per percent. */
function reportPercent(done: number): void {
  if (Math.floor(done * 100) === percent) return;
  percent = Math.floor(done * 100);
  progress(done);
}

async function reportOn(request: ReportRequest): Promise<string> {
  const { title, values, width, height, kind, names, labels } = request.data;
  const model = await TiedAutoencoder.load(request.model, { simd: "baseline" });
  try {
    return report(model, values, {
      title: `Tied autoencoder on ${title}`,
      history: {
        epoch: request.steps,
        history: { loss: request.loss, valLoss: request.heldOut },
      },
      ...(names.length > 0 ? { columns: names } : {}),
      ...(labels.length > 0 ? { labels } : {}),
      ...(kind === "image" ? { images: { width, height } } : {}),
      ...(Number.isFinite(request.floor) ? { references: { PCA: request.floor } } : {}),
    });
  } finally {
    model.dispose();
  }
}

serve<HelperAsked>(async (asked) => {
  if (asked.call === "files") return readFiles(asked.ask.files);
  if (asked.call === "report") return reportOn(asked.ask);
  if (asked.call === "detect") {
    const { values, columns } = asked.ask;
    detector?.dispose();
    detector = undefined;
    detector = await AnomalyDetector.fit(
      { data: values, shape: [values.length / columns, columns] },
      { simd: "baseline", onProgress: ({ done }) => reportPercent(done) },
    );
    return detector.training.pValue.length;
  }
  if (!detector) throw new Error("The detector has learned nothing yet.");
  const { values } = asked.ask;
  const [pValue = Number.NaN] = detector.pValues({ data: values, shape: [1, values.length] });
  return pValue;
});
