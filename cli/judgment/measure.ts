import type { Problem } from "../../core/problem.ts";
import { rejectProblems } from "../project/stack-file.ts";
import { queryRange, type MetricsServer, type Range } from "./prometheus.ts";
import type { JudgmentSettings, Measured } from "./settings.ts";

const sides = ["canary", "baseline"] as const;

/**
 * Asks for the values of all metrics, of the canary and of its baseline.
 * @param file what says how to judge, for messages
 * @throws CommandError if a query names what no scope has, or the server cannot be asked; both at once is all that is wrong with queries
 */
export async function measure(
  settings: Pick<JudgmentSettings, "metrics" | "scopes">,
  server: MetricsServer,
  range: Range,
  file: string,
): Promise<Measured> {
  const queries = queriesOf(settings, file);
  const metrics: Measured["metrics"] = {};
  // One after the other: a server of metrics is shared, and these queries are not in a hurry.
  for (const { metric, canary, baseline } of queries)
    metrics[metric] = {
      canary: await queryRange(server, canary, range),
      baseline: await queryRange(server, baseline, range),
    };
  return { from: range.from.toISOString(), to: range.to.toISOString(), metrics };
}

interface Queries extends Record<(typeof sides)[number], string> {
  readonly metric: string;
}

function queriesOf({ metrics, scopes }: Pick<JudgmentSettings, "metrics" | "scopes">, file: string): Queries[] {
  const problems: Problem[] = [];
  const queries = Object.entries(metrics).map(([metric, { query }]): Queries => {
    const location = `${file}: metrics.${metric}.query`;
    const unknown = new Set<string>();
    const of = (side: (typeof sides)[number]): string =>
      query.replaceAll(/\$\{([^}]*)\}/g, (_, name: string) => {
        if (Object.hasOwn(scopes[side], name)) return scopes[side][name] ?? "";
        unknown.add(`\${${name}} is not in scopes.${side}; set it there, or by --${side} ${name}=VALUE`);
        return "";
      });
    const [canary, baseline] = [of("canary"), of("baseline")];
    // What is missing on both sides is the same, too.
    if (canary === baseline && unknown.size === 0)
      unknown.add("is the same for canary and baseline; tell them apart by ${name} and scopes");
    problems.push(...[...unknown].map((message) => ({ location, message })));
    return { metric, canary, baseline };
  });
  rejectProblems(problems);
  return queries;
}
