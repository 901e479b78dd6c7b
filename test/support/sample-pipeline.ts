import type { Pipeline } from "../../cli/ci-config/pipeline.ts";

/** The pipeline of a shop with one environment, and nothing in it. */
export const samplePipeline: Pipeline = {
  app: "shop",
  regenerate: "delivery ci-config --env dev",
  image: "cimg/node:24.11",
  layout: { program: "." },
  appDirectory: ".",
  first: { name: "dev", context: "shop-dev", pulls: true },
  contexts: { build: "shop-build", read: "shop-read", previews: "shop-previews" },
  contextVariables: { "shop-dev": ["DELIVERY_GIT_TOKEN"], "shop-read": ["DELIVERY_GITHUB_TOKEN"] },
  deliveredBranch: "main",
  pullLogin: false,
  promotions: [],
  services: [],
  testedOnly: [],
  releases: true,
  previews: true,
  previewEnvironments: false,
};
