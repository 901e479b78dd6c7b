import { code, plain } from "../github/markdown.ts";
import { printable } from "../status/text.ts";
import type { Judgment, MetricJudgment } from "./judge.ts";
import type { Measured } from "./settings.ts";

const columns = ["metric", "group", "baseline", "canary", "change", "verdict"] as const;

/** The outcome for a terminal: one line per metric. */
export function judgmentText(judgment: Judgment, measured: Measured): string {
  const rows = [columns.map((column) => column.toUpperCase()), ...judgment.metrics.map(cells)].map((row) =>
    row.map(printable),
  );
  const widths = columns.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return [headline(judgment), period(measured), "", ...lines, ...groupLines(judgment)].map(printable).join("\n");
}

/** The same as Markdown, for a comment or a commit. */
export function judgmentMarkdown(judgment: Judgment, measured: Measured): string {
  const row = (texts: readonly string[]): string => `| ${texts.join(" | ")} |`;
  return [
    `**${plain(headline(judgment))}**`,
    "",
    row(columns),
    row(columns.map(() => "---")),
    ...judgment.metrics.map((metric) => {
      const [name = "", ...rest] = cells(metric);
      return row([code(name), ...rest.map(plain)]);
    }),
    "",
    [period(measured), ...groupLines(judgment)].map(plain).join(" · "),
  ].join("\n");
}

const marks = { pass: "✓", marginal: "…", fail: "✗" } as const;
const words = { pass: "passes", marginal: "is marginal", fail: "fails" } as const;

function headline({ verdict, score, reason }: Judgment): string {
  return `${marks[verdict]} The canary ${words[verdict]}: score ${amount(score)} of 100${reason === null ? "" : ` (${reason})`}`;
}

function period({ from, to }: Measured): string {
  return `${from} to ${to}`;
}

function groupLines({ groups }: Judgment): string[] {
  return groups.length < 2
    ? []
    : [groups.map(({ group, score, weight }) => `${group} ${amount(score)} × ${amount(weight)} %`).join(", ")];
}

function cells(metric: MetricJudgment): string[] {
  const { group, baseline, canary, counts, classification, critical } = metric;
  return [
    metric.metric,
    group,
    baseline === null ? "-" : `${amount(baseline)} (${counts.baseline})`,
    canary === null ? "-" : `${amount(canary)} (${counts.canary})`,
    change(metric),
    critical ? `${classification}, critical` : classification,
  ];
}

function change({ ratio, probability }: MetricJudgment): string {
  if (ratio !== null) return `× ${amount(ratio)}`;
  return probability === null ? "-" : `above in ${amount(100 * probability)} %`;
}

/** Four digits tell what is to be told. */
function amount(value: number): string {
  return String(Number(value.toPrecision(4)));
}
