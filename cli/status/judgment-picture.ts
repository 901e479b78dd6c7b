import type { JudgedImage, State } from "./model.ts";
import { textWidth, wrap } from "./picture.ts";
import { escapeMarkup } from "./text.ts";

type Metric = JudgedImage["metrics"][number];

/** In pixels; it is never wider, and fits a telephone. */
const width = 370;
const bar = { x: 150, width: 170, height: 12 } as const;
const rowHeight = 26;
const top = 22;

const verdictStates: Readonly<Record<JudgedImage["verdict"], State>> = {
  pass: "ok",
  marginal: "progress",
  fail: "failed",
};

/** What a metric came to, in words. */
export function metricWords({ classification, critical }: Metric): string {
  const words = classification === "no-data" ? "no data" : classification;
  return critical ? `${words}, critical` : words;
}

function metricState({ classification }: Metric): State {
  if (classification === "pass") return "ok";
  return classification === "no-data" ? "unknown" : "failed";
}

/** A score of 100 is all of it. */
function groupState(score: number): State {
  if (score === 100) return "ok";
  return score === 0 ? "failed" : "progress";
}

/** A judgment as an SVG element: a bar for the score and for that of each group, and below it what each metric came to. */
export function judgmentPicture(judged: JudgedImage): string {
  const { score, verdict, pass, marginal, groups, metrics } = judged;
  const rows = [
    (y: number) => scoreBar({ label: "Score", score, state: verdictStates[verdict], y, strong: true }),
    ...groups.flatMap(({ group, score: of, weight }) => [
      (y: number) => scoreBar({ label: `${group} × ${amount(weight)} %`, score: of, state: groupState(of), y }),
      ...metrics.filter((metric) => metric.group === group).map((metric) => (y: number) => metricRow(metric, y)),
    ]),
  ];
  const height = top + rows.length * rowHeight + 4;
  return [
    `<svg class="judged" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeMarkup(judgmentWords(judged))}">`,
    ...limits({ pass, marginal }),
    ...rows.map((row, index) => row(top + (index + 0.5) * rowHeight)),
    "</svg>",
  ].join("\n");
}

/** The same in a sentence. */
export function judgmentWords({ score, verdict, groups, metrics }: JudgedImage): string {
  const verdicts = { pass: "passes", marginal: "is marginal", fail: "fails" } as const;
  const parts = groups.map(({ group, score: of, weight }) => {
    const own = metrics.filter((metric) => metric.group === group);
    const words = own.map((metric) => `${metric.metric} ${metricWords(metric)}`).join(", ");
    return `${group} ${amount(of)} × ${amount(weight)} % (${words})`;
  });
  return `score ${amount(score)} of 100, which ${verdicts[verdict]}: ${parts.join("; ")}`;
}

/** From where on the score passes, and is marginal; where both are the same, once. */
function limits({ pass, marginal }: Pick<JudgedImage, "pass" | "marginal">): string[] {
  return [...new Set([marginal, pass])].map((limit) => {
    const x = bar.x + (limit / 100) * bar.width;
    const [from, to] = [top + rowHeight / 2 - bar.height / 2 - 4, top + rowHeight / 2 + bar.height / 2 + 4];
    return `<g class="limit"><path d="M${amount(x)} ${from} V${to}"/><text x="${amount(x)}" y="${from - 4}" text-anchor="middle">${amount(limit)}</text></g>`;
  });
}

interface Bar {
  readonly label: string;
  readonly score: number;
  readonly state: State;
  readonly y: number;
  readonly strong?: boolean;
}

function scoreBar({ label, score, state, y, strong = false }: Bar): string {
  const size = strong ? 14 : 13;
  const [text = ""] = wrap(label, (bar.x - 12) / size, 1);
  const rect = (className: string, length: number): string =>
    `<rect class="${className}" x="${bar.x}" y="${y - bar.height / 2}" width="${amount(length)}" height="${bar.height}" rx="3"/>`;
  return [
    `<g class="bar ${state}" data-score="${amount(score)}">`,
    `<text class="${strong ? "strong" : "label"}" x="0" y="${y + 5}">${escapeMarkup(text)}</text>`,
    rect("track", bar.width),
    ...(score > 0 ? [rect("fill", (score / 100) * bar.width)] : []),
    `<text class="label" x="${width}" y="${y + 5}" text-anchor="end">${amount(score)}</text>`,
    "</g>",
  ].join("");
}

function metricRow(metric: Metric, y: number): string {
  const words = metricWords(metric);
  const [text = ""] = wrap(metric.metric, (width - 40) / 12 - textWidth(words), 1);
  return [
    `<g class="metric ${metricState(metric)}">`,
    `<circle class="mark" cx="20" cy="${y}" r="4"/>`,
    `<text x="32" y="${y + 4}">${escapeMarkup(text)}</text>`,
    `<text x="${width}" y="${y + 4}" text-anchor="end">${words}</text>`,
    "</g>",
  ].join("");
}

/** Two places after the point are enough for a picture. */
function amount(value: number): string {
  return String(Math.round(value * 100) / 100);
}
