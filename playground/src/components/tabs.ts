// Which part of the page a narrow screen shows. A wide one shows all three.

import { signal } from "@preact/signals";

export const TABS = [
  ["data", "Data"],
  ["network", "Network"],
  ["map", "Map"],
] as const;

export type TabName = (typeof TABS)[number][0];

export const tab = signal<TabName>("network");
