import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { JsonReporter } from "vitest/node";
import { HeartbeatReporter } from "./test/support/heartbeat-reporter.ts";
import { NeighbourSequencer } from "./test/support/neighbour-sequencer.ts";

// The generated SDK is linked from sdks/ and compiled: it is loaded as a package, not transformed as a source.
const server = { deps: { external: [/\/sdks\//] } };

// Also on a machine with two processors both are used: a test waits for the processes that it has started.
const maxWorkers = Math.max(2, availableParallelism() - 1);

// A worker, or a command that a test starts, need not strip the types of what another one has loaded before.
const env = { NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules/.cache/tests") };

// What a process does takes its time on a busy machine.
const poll = { timeout: 30_000 };

// Continuous integration names a directory for the counts of each run.
const results = process.env["TEST_RESULTS"];

export default defineConfig({
  test: {
    env,
    reporters: [
      "default",
      new HeartbeatReporter(),
      ...(results === undefined ? [] : [new JsonReporter({ outputFile: `${results}/${process.pid}.json` })]),
    ],
    sequence: { sequencer: NeighbourSequencer },
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          isolate: false,
          testTimeout: 30_000,
          hookTimeout: 30_000,
          expect: { poll },
          maxWorkers,
          server,
        },
      },
      // Pure code, too, but through real processes: Git, the delivery CLI.
      {
        test: {
          name: "process",
          include: ["test/process/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          expect: { poll },
          maxWorkers,
          server,
        },
      },
      {
        test: {
          name: "golden",
          include: ["test/golden/**/*.test.ts"],
          isolate: false,
          testTimeout: 30_000,
          hookTimeout: 30_000,
          maxWorkers,
          server,
        },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers,
        },
      },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          globalSetup: ["test/integration/support/sandbox-setup.ts"],
          // As `npm run up` runs it: Node's own loader, no transformation.
          experimental: { viteModuleRunner: false, nodeLoader: false },
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 1_800_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: ["test/e2e/support/sandbox-setup.ts"],
          experimental: { viteModuleRunner: false, nodeLoader: false },
          fileParallelism: false,
          // Its parts wait for each other, and their processes for the integration tests' on the same processors.
          testTimeout: 600_000,
          // Where one vitest runs both, one after the other; `npm test` runs them side by side.
          sequence: { groupOrder: 1 },
          hookTimeout: 1_800_000,
        },
      },
    ],
  },
});
