// The menu of the site: groups of [title, page].

const START = [
  ["Get started", "index.md"],
  ["The command line", "cli.md"],
];

const GUIDES = [
  ["Odd rows in tables", "guides/anomalies.md"],
  ["Odd rows in time series", "guides/time-series.md"],
  ["Logs with categories", "guides/logs.md"],
  ["Images in a page", "guides/images.md"],
  ["Embeddings", "guides/embeddings.md"],
  ["Families of models", "guides/families.md"],
  ["Sparse codes", "guides/topk.md"],
  ["Gaussian codes", "guides/gaussian.md"],
  ["Steady codes", "guides/contractive.md"],
  ["Constraints", "guides/constraints.md"],
  ["Deep models", "guides/deep.md"],
  ["To and from PyTorch", "guides/pytorch.md"],
  ["Workers and threads", "guides/workers.md"],
  ["Edge runtimes", "guides/edge.md"],
  ["Pictures, tables, storage", "around-the-model.md"],
  ["Files", "formats.md"],
  ["From 0.1 to 0.2", "migration.md"],
];

const INSIDE = [
  ["Architecture", "architecture.md"],
  ["Matrix kernels", "kernels.md"],
  ["Exports of the core", "abi.md"],
  ["The playground", "playground.md"],
  ["Benchmarks", "benchmarks.md"],
  ["Robustness", "robustness.md"],
  ["Figures of papers", "papers.md"],
  ["Contributing", "contributing.md"],
  ["Security", "security.md"],
  ["Changes", "changelog.md"],
];

/**
 * The whole menu.
 * @param {[title: string, page: string][]} entries the pages of the API reference
 * @param {[title: string, page: string][]} decisions
 */
export function menu(entries, decisions) {
  return [
    { text: "Start", pages: START },
    { text: "Guides", pages: GUIDES },
    { text: "API", pages: entries },
    { text: "Inside", pages: INSIDE },
    { text: "Decisions", pages: decisions },
  ];
}
