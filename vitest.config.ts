import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { JsonReporter } from "vitest/node";
import { HeartbeatReporter } from "./test/support/heartbeat-reporter.ts";

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

/**
 * End-to-end tests, in a sandbox of their own.
 * @param groupOrder where one vitest runs several projects with a sandbox, one after the other; `npm test` runs two side by side
 */
function endToEnd(name: "e2e" | "shared-argo-cd", files: string, groupOrder: number): TestProjectInlineConfiguration {
  return {
    test: {
      name,
      include: [files],
      globalSetup: ["test/e2e/support/sandbox-setup.ts"],
      // As `npm run up` runs it: Node's own loader, no transformation.
      experimental: { viteModuleRunner: false, nodeLoader: false },
      fileParallelism: false,
      // Its parts wait for each other, and their processes for those of the other projects on the same processors.
      testTimeout: 600_000,
      expect: { poll },
      sequence: { groupOrder },
      hookTimeout: 1_800_000,
    },
  };
}

export default defineConfig({
  test: {
    env,
    reporters: [
      "default",
      new HeartbeatReporter(),
      ...(results === undefined ? [] : [new JsonReporter({ outputFile: `${results}/${process.pid}.json` })]),
    ],
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
      endToEnd("e2e", "test/e2e/*.test.ts", 1),
      endToEnd("shared-argo-cd", "test/e2e/shared-argo-cd/*.test.ts", 2),
    ],
  },
});
