// The part of the page that a narrow screen shows. A wide screen shows all three.

import { signal } from "@preact/signals";

export const TABS = [
  ["data", "Data"],
  ["network", "Network"],
  ["map", "Map"],
] as const;

export type TabName = (typeof TABS)[number][0];

export const tab = signal<TabName>("network");
