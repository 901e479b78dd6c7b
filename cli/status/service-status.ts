import type { ApplicationFacts, DeploymentFacts } from "./cluster-facts.ts";
import { worst, type ServiceStatus, type State } from "./model.ts";
import { oneLine } from "./reading.ts";
import type { ReleaseFacts } from "./release-facts.ts";

/** What the parts say of one service; `undefined`: nothing, or they could not be asked. */
export interface ServiceFacts {
  readonly service: string;
  readonly delivery: "gitops" | "direct";
  readonly release?: ReleaseFacts | undefined;
  readonly application?: ApplicationFacts | undefined;
  readonly deployment?: DeploymentFacts | undefined;
}

/** One line of the table. */
export function serviceStatus({ service, delivery, release, application, deployment }: ServiceFacts): ServiceStatus {
  const releasedDigest = release?.image?.digest ?? null;
  const running = deployment === undefined ? null : digestOf(deployment.image);
  const judged = judge({
    delivery,
    release,
    application,
    deployment,
    pending: running !== null && releasedDigest !== null && running !== releasedDigest,
  });
  return {
    service,
    state: judged.state,
    commit: release?.sourceCommit ?? null,
    digest: running ?? releasedDigest,
    releasedDigest,
    releaseCommit: release?.releaseCommit ?? null,
    releasedAt: release?.releasedAt ?? (delivery === "direct" ? (deployment?.changedAt ?? null) : null),
    sync: application?.sync ?? null,
    health: application?.health ?? deployment?.health ?? null,
    message: judged.state === "ok" || judged.message === null ? null : oneLine(judged.message),
  };
}

/** `repository@sha256:…` → `sha256:…`; images of dependencies may be named by tag. */
export function digestOf(image: string): string | null {
  return /@(sha256:[0-9a-f]{64})$/.exec(image)?.[1] ?? null;
}

function judge(facts: Omit<ServiceFacts, "service"> & { pending: boolean }): { state: State; message: string | null } {
  const { delivery, release, application, deployment, pending } = facts;
  if (delivery === "direct") return deployment ?? { state: "unknown", message: "not deployed" };
  const rollout = deployment?.state ?? "unknown";
  const message = application?.message ?? deployment?.message ?? null;
  if (application !== undefined) {
    const argoCd = applicationState(application);
    if (argoCd === "failed") return { state: argoCd, message };
    if (release !== undefined && release.image === null) return { state: "unknown", message: "not released yet" };
    if (pending) return { state: "progress", message: application.message ?? notYet };
    if (argoCd === "progress")
      return { state: argoCd, message: message ?? `${application.sync}, ${application.health}` };
    return deployment === undefined ? { state: argoCd, message } : { state: worst([argoCd, rollout]), message };
  }
  if (release !== undefined && release.image === null) return { state: "unknown", message: "not released yet" };
  if (deployment === undefined) return { state: "unknown", message: null };
  return pending ? { state: "progress", message: notYet } : { state: rollout, message };
}

const notYet = "the released image does not run yet";

/** How Argo CD's words for sync, health and the last operation go together. */
export function applicationState({ sync, health, phase }: Pick<ApplicationFacts, "sync" | "health" | "phase">): State {
  if (["Degraded", "Missing"].includes(health) && phase !== "Running") return "failed";
  if (phase === "Failed" || phase === "Error") return "failed";
  if (phase === "Running" || health === "Progressing" || health === "Suspended" || sync === "OutOfSync")
    return "progress";
  if (sync === "Synced" && health === "Healthy") return "ok";
  return "unknown";
}
