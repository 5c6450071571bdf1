// Starts the page.

import { render } from "preact";
import { App } from "./components/app.tsx";
import { start } from "./state.ts";

const home = document.getElementById("app");
if (home) {
  home.textContent = "";
  render(<App />, home);
}
void start();
