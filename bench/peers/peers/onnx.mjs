// onnxruntime-web with the encoder that the package exports: its WebAssembly build on one thread. Inference only.

import { timed } from "../session.mjs";
import { createModel } from "./ours.mjs";

export async function open() {
  const ort = await import("onnxruntime-web");
  const { TiedAutoencoder } = await import("../../../dist/index.js");
  if (!TiedAutoencoder.prototype.toOnnx) throw new Error("the build in dist/ exports no ONNX");
  ort.env.wasm.numThreads = 1;
  return [
    {
      name: "onnxruntime-web",
      version: `${ort.env.versions.web}, wasm`,
      does: ["encode"],
      async start(workload, weights, ring) {
        const model = await createModel(TiedAutoencoder, workload, weights);
        const session = await ort.InferenceSession.create(model.toOnnx({ part: "encoder" }), {
          executionProviders: ["wasm"],
        });
        model.dispose();
        return timed(encoder(ort, session, workload.layers[0]), ring);
      },
    },
  ];
}

function encoder(ort, session, width) {
  const [input] = session.inputNames;
  const [output] = session.outputNames;
  return {
    async encode(rows) {
      const shape = [rows.length / width, width];
      const results = await session.run({ [input]: new ort.Tensor("float32", rows, shape) });
      return results[output].data;
    },
    dispose: () => session.release(),
  };
}
