import { shortDigest, type Release } from "../../git/records.ts";
import type { Digests } from "../release/digests-file.ts";
import type { GateOutcome } from "./gate-outcome.ts";
import type { ServiceOutcome } from "./health.ts";

/** How a person has approved, or will. */
export interface Approval {
  /** What a person has approved: the digests that they were shown, by service. @default nothing */
  readonly approved: Digests | undefined;
  /** A person will merge the commit. */
  readonly pullRequest: boolean;
}

/** An approval is of digests: what has been released since somebody was asked has to be asked again. */
export function approvalGate(
  to: string,
  { approved, pullRequest }: Approval,
  pending: readonly Pick<Release, "service" | "digest">[],
): GateOutcome {
  if (approved !== undefined) return approvedGate(approved, pending);
  if (pullRequest) return { gate: "approval", passed: true, detail: "whoever merges the pull request approves" };
  const hint =
    "have them look at what --propose FILE writes, and give --approved FILE, as the jobs around CI's approval do; or --pull-request";
  return { gate: "approval", passed: false, detail: `${to} needs the approval of a person: ${hint}` };
}

function approvedGate(approved: Digests, pending: readonly Pick<Release, "service" | "digest">[]): GateOutcome {
  const services = pending.map(({ service, digest }): ServiceOutcome => {
    const shown = Object.hasOwn(approved, service) ? approved[service] : undefined;
    const detail =
      shown === digest
        ? "is what a person has approved"
        : `runs ${shortDigest(digest)}, and ${shown === undefined ? "was not there when" : `${shortDigest(shown)} was what`} a person approved: the pipeline that released it asks again`;
    return { service, digest, passed: shown === digest, detail, healthySince: null };
  });
  const good = services.filter(({ passed }) => passed).length;
  const detail = `${good} of ${services.length} digests are what a person has approved`;
  return { gate: "approval", passed: good === services.length, detail, services };
}

/** The line of the commit that says who has approved, and where that can be looked up. */
export function approvalTrailer(environment: Readonly<Record<string, string | undefined>>): string {
  return `Approved: ${decidedWhere(environment)}`;
}

/** Where a person has decided, as far as this run knows. */
export function decidedWhere(environment: Readonly<Record<string, string | undefined>>): string {
  const workflow = environment["CIRCLE_WORKFLOW_ID"];
  if (workflow !== undefined && workflow !== "") return `in CircleCI's workflow ${workflow}`;
  return `by hand, ${environment["USER"] ?? environment["LOGNAME"] ?? "unknown user"}`;
}
