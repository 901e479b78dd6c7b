/** Where drift is looked for. */
export type LookName = "stack" | "git" | "cluster" | "ci";
export const lookNames: readonly LookName[] = ["stack", "git", "cluster", "ci"];

export type DriftState = "none" | "found" | "unknown";

/** One difference. Holds nothing secret. */
export interface Finding {
  /** E.g. `Deployment link`, or the path of a file. */
  readonly what: string;
  /** What is other than declared; completes the sentence. */
  readonly change: string;
}

/** What one look has found. */
export interface Look {
  readonly look: LookName;
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
  readonly looks: readonly Look[];
}

/** @param reason why not all could be asked */
export function lookOf(look: LookName, findings: readonly Finding[], reason: string | null = null): Look {
  return { look, state: findings.length > 0 ? "found" : reason === null ? "none" : "unknown", reason, findings };
}

export function unknownLook(look: LookName, reason: string): Look {
  return lookOf(look, [], reason);
}

/** Drift that is found counts before what is unknown, which counts before none: whoever cannot look has not seen that all is well. */
export function overall(looks: readonly Look[]): DriftState {
  const states = new Set(looks.map(({ state }) => state));
  return states.has("found") ? "found" : states.has("unknown") ? "unknown" : "none";
}
