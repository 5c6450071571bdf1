// An anomaly detector at the edge. It learns online from the rows that it is sent, returns a score for each row, and keeps
// the model in its own storage, so that it continues after a restart.
//
//   POST /learn  { "rows": [[…], …] }  one training step; returns { "loss", "steps" }
//   POST /score  { "rows": [[…], …] }  returns { "scores": […] }, mean squared errors
//
// Here the package imports its core as WebAssembly.Modules, which were compiled when the script was deployed.

import { TiedAutoencoder } from "tied-autoencoder";

const CONFIG = {
  layers: [8, 3],
  activation: "tanh",
  optimizer: { type: "adam", learningRate: 0.01 },
};
/** Steps between two writes to the storage. A crash loses at most this many. */
const STEPS_BETWEEN_SAVES = 20;

export class Detector {
  #storage;
  #model;

  constructor(state) {
    this.#storage = state.storage;
    state.blockConcurrencyWhile(async () => {
      const saved = await this.#storage.get("model");
      this.#model = saved
        ? await TiedAutoencoder.load(saved)
        : await TiedAutoencoder.create(CONFIG);
    });
  }

  async fetch(request) {
    const { pathname } = new URL(request.url);
    try {
      const { rows } = await request.json();
      if (pathname === "/score") {
        return Response.json({ scores: [...this.#model.reconstructionErrors(rows)] });
      }
      if (pathname !== "/learn") return new Response("POST to /learn or /score", { status: 404 });
      const loss = this.#model.trainOnBatch(rows);
      const steps = this.#model.stepCount;
      if (steps % STEPS_BETWEEN_SAVES === 0) {
        await this.#storage.put("model", this.#model.save({ optimizer: true }));
      }
      return Response.json({ loss, steps });
    } catch (error) {
      // The package's message states the error in the rows, in a sentence that can be sent to a caller.
      const status = error instanceof TypeError || error instanceof RangeError ? 400 : 500;
      return Response.json({ error: error.message }, { status });
    }
  }
}

export default {
  /** One detector for all. With one name for each customer, each would have a model. */
  fetch(request, env) {
    return env.DETECTOR.get(env.DETECTOR.idFromName("shared")).fetch(request);
  },
};
