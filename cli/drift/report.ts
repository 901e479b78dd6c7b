import { printable } from "../status/text.ts";

/** Where drift is looked for. */
export type CheckName = "stack" | "git" | "cluster" | "ci";
export const checkNames: readonly CheckName[] = ["stack", "git", "cluster", "ci"];

type DriftState = "none" | "found" | "unknown";

/** One difference. Holds nothing secret. */
export interface Finding {
  /** E.g. `Deployment link`, or the path of a file. */
  readonly what: string;
  /** What is other than declared; completes the sentence. */
  readonly change: string;
}

/** What one check has found. */
export interface Check {
  /** Its name; the key is part of the JSON output, as is `looks` below. */
  readonly look: CheckName;
  /** `found` also where only a part could be asked; `unknown` where that part shows nothing. */
  readonly state: DriftState;
  /** Why not all could be asked; `null`: it could. */
  readonly reason: string | null;
  readonly findings: readonly Finding[];
}

/** The drift of one environment at one moment. Holds nothing secret. */
export interface DriftReport {
  readonly app: string;
  readonly environment: string;
  /** ISO 8601. */
  readonly takenAt: string;
  readonly drift: DriftState;
  readonly looks: readonly Check[];
}

/** @param reason why not all could be asked */
export function checkOf(name: CheckName, findings: readonly Finding[], reason: string | null = null): Check {
  return { look: name, state: findings.length > 0 ? "found" : reason === null ? "none" : "unknown", reason, findings };
}

export function unknownCheck(name: CheckName, reason: string): Check {
  return checkOf(name, [], reason);
}

/** `found` counts before `unknown`, which counts before `none`: a check that could not be made has not shown that all is well. */
export function overall(checks: readonly Check[]): DriftState {
  const states = new Set(checks.map(({ state }) => state));
  return states.has("found") ? "found" : states.has("unknown") ? "unknown" : "none";
}

export const checkTitles: Readonly<Record<CheckName, string>> = {
  stack: "Stack",
  git: "Git",
  cluster: "Cluster",
  ci: "CircleCI",
};
const stateMarks: Readonly<Record<DriftState, string>> = { none: "✓", found: "✗", unknown: "?" };

/** One line per check, and below it what differs. */
export function driftText({ app, environment, looks: checks }: DriftReport): string {
  const width = Math.max(...Object.values(checkTitles).map((title) => title.length));
  const summaries = checks.map(
    (check) => `${stateMarks[check.state]} ${checkTitles[check.look].padEnd(width)}  ${summaryOf(check)}`,
  );
  const blocks = checks
    .filter(({ findings }) => findings.length > 0)
    .map(({ look: name, findings }) => {
      const column = Math.min(60, Math.max(...findings.map(({ what }) => what.length)));
      return [checkTitles[name], ...findings.map(({ what, change }) => `  ${what.padEnd(column)}  ${change}`)];
    });
  return [[`${app} · ${environment} · drift`], summaries, ...blocks]
    .map((block) => block.map(printable).join("\n"))
    .join("\n\n");
}

function summaryOf({ state, reason, findings }: Check): string {
  if (state === "none") return "as declared";
  if (state === "unknown") return `unknown: ${reason ?? ""}`;
  return `${countDifferences(findings.length)}${reason === null ? "" : `; not all could be asked: ${reason}`}`;
}

export function countDifferences(differences: number): string {
  return differences === 1 ? "1 difference" : `${differences} differences`;
}
