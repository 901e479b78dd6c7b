import { printable } from "../status/text.ts";
import type { DriftReport, DriftState, Look, LookName } from "./model.ts";

export const lookTitles: Readonly<Record<LookName, string>> = {
  stack: "Stack",
  git: "Git",
  cluster: "Cluster",
  ci: "CircleCI",
};
const marks: Readonly<Record<DriftState, string>> = { none: "✓", found: "✗", unknown: "?" };

/** One line per look, and below it what differs. */
export function driftText({ app, environment, looks }: DriftReport): string {
  const width = Math.max(...Object.values(lookTitles).map((title) => title.length));
  const summaries = looks.map(
    (look) => `${marks[look.state]} ${lookTitles[look.look].padEnd(width)}  ${summaryOf(look)}`,
  );
  const blocks = looks
    .filter(({ findings }) => findings.length > 0)
    .map(({ look, findings }) => {
      const column = Math.min(60, Math.max(...findings.map(({ what }) => what.length)));
      return [lookTitles[look], ...findings.map(({ what, change }) => `  ${what.padEnd(column)}  ${change}`)];
    });
  return [[`${app} · ${environment} · drift`], summaries, ...blocks]
    .map((block) => block.map(printable).join("\n"))
    .join("\n\n");
}

function summaryOf({ state, reason, findings }: Look): string {
  if (state === "none") return "as declared";
  if (state === "unknown") return `unknown: ${reason ?? ""}`;
  return `${count(findings.length)}${reason === null ? "" : `; not all could be asked: ${reason}`}`;
}

export function count(differences: number): string {
  return differences === 1 ? "1 difference" : `${differences} differences`;
}
