import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { startProgress } from "../sandbox/commands/terminal.ts";
import { benchBuild } from "./build.ts";
import { benchChanges } from "./changes.ts";
import { printFigures, type Figure } from "./figure.ts";
import { benchGitOps } from "./gitops.ts";
import { benchLoop } from "./loop.ts";
import { benchPreview } from "./preview.ts";
import { benchSandbox } from "./sandbox.ts";

/**
 * Measures what the documentation claims, or what is named of it: `npm run bench -- loop`. `--cold` also builds all tools from
 * nothing, which takes minutes.
 */
const { values, positionals } = parseArgs({
  options: { cold: { type: "boolean", default: false } },
  allowPositionals: true,
});
const report = startProgress();
const benchmarks: Readonly<Record<string, () => Figure[] | Promise<Figure[]>>> = {
  preview: () => benchPreview(report),
  tests: () => benchTests(report),
  changes: () => benchChanges(report),
  build: () => benchBuild(report),
  sandbox: () => benchSandbox(report, values.cold),
  gitops: () => benchGitOps(report),
  loop: () => benchLoop(report),
};
const unknown = positionals.filter((name) => !Object.hasOwn(benchmarks, name));
if (unknown.length > 0) throw new Error(`${unknown.join(", ")}: there are ${Object.keys(benchmarks).join(", ")}`);
const figures: Figure[] = [];
for (const [name, measure] of Object.entries(benchmarks))
  if (positionals.length === 0 || positionals.includes(name)) figures.push(...(await measure()));
printFigures(figures);

/** How long the unit and golden tests take. */
function benchTests(progress: (line: string) => void): Figure[] {
  const start = performance.now();
  const { status } = spawnSync("vitest", ["run", "--project", "unit", "--project", "golden", "--reporter=dot"], {
    stdio: "ignore",
  });
  const seconds = (performance.now() - start) / 1000;
  if (status !== 0) throw new Error("the unit or golden tests fail; see `npm run test:unit`");
  progress(`unit and golden tests: ${seconds.toFixed(1)} s`);
  return [{ name: "unit and golden tests", value: seconds, unit: "s", limit: 10 }];
}
