// The worker that trains: it answers the page's questions one after another.

import type { Asked } from "../protocol.ts";
import { Lab } from "./lab.ts";
import { serve } from "./serve.ts";

let lab: Lab | undefined;

async function answer(asked: Asked): Promise<unknown> {
  if (asked.call === "open") {
    const { settings, data, changes, saved, view } = asked.ask;
    const next = await Lab.open(settings, data, changes, saved);
    const first = next.frame(view, Number.NaN);
    // Only now: if the new model cannot be made, the old one stays.
    await lab?.close();
    lab = next;
    return first;
  }
  if (!lab) throw new Error("Nothing is open.");
  switch (asked.call) {
    case "run": {
      const { steps, until, milliseconds, view } = asked.ask;
      const loss = await lab.run(steps, until, milliseconds);
      return lab.frame(view, loss);
    }
    case "floor":
      return lab.floor();
    case "change":
      return lab.change(asked.ask.key, asked.ask.value);
    case "tie":
      lab.tie(asked.ask.tied);
      return lab.frame(asked.ask.view, Number.NaN);
    case "look":
      return lab.frame(asked.ask.view, Number.NaN, asked.ask.past);
    case "decode":
      return lab.decode(asked.ask.codes);
    case "codesOf":
      return lab.codesOf(asked.ask.rows);
    case "score":
      return lab.score(asked.ask.values);
    case "checksum":
      return lab.checksum();
    case "file":
      return lab.file(asked.ask.kind);
  }
}

serve(answer);
