import { parseArgs } from "node:util";
import { startProgress } from "../sandbox/commands/progress.ts";
import { sandboxEngines } from "../sandbox/machine/ci-engine.ts";
import { benchmarks } from "./benchmarks.ts";
import { printFigures, type Figure } from "./figure.ts";
import { endAtSignals } from "./state-directory.ts";

/**
 * Measures what the documentation claims, or what is named of it: `npm run bench -- loop`. `--cold` also builds all tools from
 * nothing, which takes minutes; `--peer DIRECTORY` measures against another checkout, such as an earlier commit. `--runs N` and
 * `--seed S` say how many random runs of `settle` there are, and which; `--rounds N` how often `take-back` and `loop` measure;
 * `loop --ci tekton` measures Tekton against the stand-in for CircleCI.
 */
const { values, positionals } = parseArgs({
  options: {
    cold: { type: "boolean", default: false },
    peer: { type: "string" },
    runs: { type: "string" },
    seed: { type: "string" },
    rounds: { type: "string" },
    ci: { type: "string" },
  },
  allowPositionals: true,
});
const report = startProgress();
const [runs, seed, rounds] = (["runs", "seed", "rounds"] as const).map((name) => wholeNumber(name, values[name]));
const unknown = positionals.filter((name) => !Object.hasOwn(benchmarks, name));
if (unknown.length > 0) throw new Error(`${unknown.join(", ")}: there are ${Object.keys(benchmarks).join(", ")}`);
const ci = sandboxEngines.find((engine) => engine === values.ci);
if (values.ci !== undefined && ci === undefined)
  throw new Error(`--ci ${values.ci}: there are ${sandboxEngines.join(", ")}`);
const figures: Figure[] = [];
await endAtSignals(report, async () => {
  for (const [name, measure] of Object.entries(benchmarks))
    if (positionals.length === 0 || positionals.includes(name))
      figures.push(...(await measure({ report, cold: values.cold, peer: values.peer, runs, seed, rounds, ci })));
});
printFigures(figures);
if (figures.some(({ value, limit }) => !(value <= limit))) process.exitCode = 1;

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined || /^[1-9]\d{0,8}$/.test(text)) return text === undefined ? undefined : Number(text);
  throw new Error(`--${name} ${text}: must be a whole number above 0`);
}
