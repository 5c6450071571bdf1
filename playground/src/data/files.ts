// The visitor's own files: a table, images, or MNIST. A worker reads them; nothing leaves the device. The page says what it
// took from the files, or why it cannot use them.

import { helperClient } from "../helper.ts";
import { busy, notices, openOwn, say } from "../state.ts";

/** Reading takes longer than this before the page says that it reads. */
const PATIENCE_MILLISECONDS = 300;

/** Opens what was dropped or chosen. */
export async function openFiles(files: readonly File[]): Promise<void> {
  notices.value = []; // about data that are left now
  const name = files.length === 1 ? `\u201c${files[0]?.name}\u201d` : "These files";
  const timer = setTimeout(() => {
    if (busy.value === null) busy.value = `Reading ${name}`;
  }, PATIENCE_MILLISECONDS);
  const done = () => {
    clearTimeout(timer);
    if (busy.value === `Reading ${name}`) busy.value = null;
  };
  try {
    const helper = await helperClient();
    const { data, name: kind, said } = await helper.ask("files", { files });
    done();
    if (said.length > 0) say(said.join(" "));
    await openOwn(data, kind);
  } catch (error) {
    done();
    const reason = error instanceof Error ? error.message : String(error);
    say(`${name} could not be used: ${reason}`, "problem");
  }
}
