import { parseArgs } from "node:util";
import { startProgress } from "../sandbox/commands/progress.ts";
import { benchmarks } from "./benchmarks.ts";
import { printFigures, type Figure } from "./figure.ts";
import { endAtSignals } from "./state-directory.ts";

/**
 * Measures what the documentation claims, or what is named of it: `npm run bench -- loop`. `--cold` also builds all tools from
 * nothing, which takes minutes; `--peer DIRECTORY` measures against another checkout, such as an earlier commit.
 */
const { values, positionals } = parseArgs({
  options: { cold: { type: "boolean", default: false }, peer: { type: "string" } },
  allowPositionals: true,
});
const report = startProgress();
const unknown = positionals.filter((name) => !Object.hasOwn(benchmarks, name));
if (unknown.length > 0) throw new Error(`${unknown.join(", ")}: there are ${Object.keys(benchmarks).join(", ")}`);
const figures: Figure[] = [];
await endAtSignals(report, async () => {
  for (const [name, measure] of Object.entries(benchmarks))
    if (positionals.length === 0 || positionals.includes(name))
      figures.push(...(await measure({ report, cold: values.cold, peer: values.peer })));
});
printFigures(figures);
if (figures.some(({ value, limit }) => !(value <= limit))) process.exitCode = 1;
