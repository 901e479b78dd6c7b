import { CommandError } from "../command.ts";
import { queryRange, type MetricsServer, type Range } from "./prometheus.ts";
import type { JudgmentSettings, Measured } from "./settings.ts";

const sides = ["canary", "baseline"] as const;

/**
 * Asks for the values of all metrics, of the canary and of its baseline.
 * @throws CommandError if a query names what no scope has, or the server cannot be asked; both at once is all that is wrong with queries
 */
export async function measure(
  settings: Pick<JudgmentSettings, "metrics" | "scopes">,
  server: MetricsServer,
  range: Range,
): Promise<Measured> {
  const queries = queriesOf(settings);
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

function queriesOf({ metrics, scopes }: Pick<JudgmentSettings, "metrics" | "scopes">): Queries[] {
  const problems: string[] = [];
  const queries = Object.entries(metrics).map(([metric, { query }]): Queries => {
    const of = (side: (typeof sides)[number]): string =>
      query.replaceAll(/\$\{([^}]*)\}/g, (_, name: string) => {
        if (Object.hasOwn(scopes[side], name)) return scopes[side][name] ?? "";
        problems.push(
          `metrics.${metric}.query: \${${name}} is not in scopes.${side}; set it there, or by --${side} ${name}=VALUE`,
        );
        return "";
      });
    const [canary, baseline] = [of("canary"), of("baseline")];
    if (canary === baseline)
      problems.push(
        `metrics.${metric}.query: is the same for canary and baseline; tell them apart by \${name} and scopes`,
      );
    return { metric, canary, baseline };
  });
  if (problems.length > 0) throw new CommandError([...new Set(problems)].join("\n"));
  return queries;
}
