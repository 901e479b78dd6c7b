import type { GateOutcome } from "./gate.ts";

/** How a person has agreed, or will. */
export interface Approval {
  /** The caller says that a person has approved. */
  readonly approved: boolean;
  /** The commit is merged by a person. */
  readonly pullRequest: boolean;
}

export function approvalGate(to: string, { approved, pullRequest }: Approval): GateOutcome {
  if (approved) return { gate: "approval", passed: true, detail: "a person has approved" };
  if (pullRequest) return { gate: "approval", passed: true, detail: "whoever merges the pull request approves" };
  const wayOut = "give --approved once someone has, as the job after CI's approval does; or --pull-request";
  return { gate: "approval", passed: false, detail: `${to} needs the approval of a person: ${wayOut}` };
}

/** For the commit: that someone approved, and where that can be looked up. */
export function approvalTrailer(environment: Readonly<Record<string, string | undefined>>): string {
  const workflow = environment["CIRCLE_WORKFLOW_ID"];
  if (workflow !== undefined && workflow !== "") return `Approved: in CircleCI's workflow ${workflow}`;
  return `Approved: by hand, ${environment["USER"] ?? environment["LOGNAME"] ?? "unknown user"}`;
}
