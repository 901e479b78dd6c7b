import { shortCommit, shortDigest } from "../../git/records.ts";
import type { ApplicationStatus } from "./cluster-status.ts";
import type { WorkloadStatus } from "./workload-status.ts";
import type { DeployStatus, ReleaseStatus, SourceStatus } from "./git-status.ts";
import type { MigrationStatus } from "./migration-status.ts";
import {
  worst,
  type JudgedImage,
  type MigrationState,
  type ServiceStatus,
  type Stage,
  type StageName,
  type State,
  type StatusProblem,
} from "./model.ts";
import { oneLine, type Reading } from "./reading.ts";

/** An image that is released or runs, and whether the registry has it. */
export interface ImagePresence {
  readonly service: string;
  readonly present: boolean;
}

/** What every part has answered; those that the kind of delivery does not have are left out. */
export interface Readings {
  readonly source: Reading<SourceStatus>;
  readonly ci: Reading<Pick<Stage, "state" | "summary">>;
  readonly registry: Reading<readonly ImagePresence[]>;
  readonly git?: Reading<DeployStatus>;
  readonly argocd?: Reading<readonly ApplicationStatus[]>;
  readonly cluster: Reading<readonly WorkloadStatus[]>;
}

const stageOrder: readonly StageName[] = ["source", "ci", "registry", "git", "argocd", "cluster"];

/** The pipeline from the source to the cluster. */
export function stagesOf(readings: Readings, services: readonly ServiceStatus[]): Stage[] {
  const { source, ci, registry, git, argocd, cluster } = readings;
  const found: Record<StageName, Stage | undefined> = {
    source: stage("source", source, ({ commit, branch }) => ({
      state: "ok",
      summary: `${shortCommit(commit)} on ${branch}`,
    })),
    ci: stage("ci", ci, (state) => state),
    registry: stage("registry", registry, imagesStage),
    git: git && stage("git", git, (deploy) => gitStage(deploy, services)),
    argocd: argocd && stage("argocd", argocd, applicationsStage),
    cluster: stage("cluster", cluster, (workloads) =>
      counted(
        workloads.map(({ state }) => state),
        "rolled out",
        "no Deployment yet",
      ),
    ),
  };
  return stageOrder.flatMap((name) => found[name] ?? []);
}

/** Why parts have not answered. */
export function problemsOf(readings: Readings): StatusProblem[] {
  return stageOrder.flatMap((part) => {
    const reading = readings[part];
    return reading !== undefined && "reason" in reading ? [{ part, reason: reading.reason }] : [];
  });
}

function stage<T>(name: StageName, reading: Reading<T>, of: (value: T) => Pick<Stage, "state" | "summary">): Stage {
  if ("reason" in reading)
    return { name, state: reading.state, summary: reading.state === "failed" ? "gives an error" : "not reachable" };
  return { name, ...of(reading.value) };
}

function imagesStage(images: readonly ImagePresence[]): Pick<Stage, "state" | "summary"> {
  const missing = images.filter(({ present }) => !present);
  if (images.length === 0) return { state: "unknown", summary: "no image is known" };
  if (missing.length > 0) return { state: "failed", summary: `${missing.length} of ${images.length} images missing` };
  return { state: "ok", summary: `${images.length} of ${images.length} images` };
}

function gitStage(
  { head, releases }: DeployStatus,
  services: readonly ServiceStatus[],
): Pick<Stage, "state" | "summary"> {
  if (head === null) return { state: "unknown", summary: "the branch is empty" };
  const released = releases.filter(({ image }) => image !== null).length;
  const summary = `${released} of ${releases.length} released at ${shortCommit(head)}`;
  if (releases.length === 0) return { state: "unknown", summary: `no service at ${shortCommit(head)}` };
  const unsigned = releases.filter((release) => release.unsigned !== null).length;
  if (unsigned > 0) return { state: "failed", summary: `${summary}, ${unsigned} not signed` };
  // A released image that does not run yet is on its way.
  const underWay = services.some(({ digest, releasedDigest }) => releasedDigest !== null && digest !== releasedDigest);
  return { state: released === 0 ? "unknown" : underWay ? "progress" : "ok", summary };
}

function applicationsStage(applications: readonly ApplicationStatus[]): Pick<Stage, "state" | "summary"> {
  return counted(applications.map(applicationState), "Synced, Healthy", "no Application yet");
}

function counted(states: readonly State[], what: string, none: string): Pick<Stage, "state" | "summary"> {
  if (states.length === 0) return { state: "unknown", summary: none };
  const good = states.filter((state) => state === "ok").length;
  return { state: worst(states), summary: `${good} of ${states.length} ${what}` };
}

/** What the parts say of one service; `undefined`: nothing, or the part could not be asked. */
interface ServiceReadings {
  readonly service: string;
  readonly delivery: "gitops" | "direct";
  readonly release?: ReleaseStatus | undefined;
  readonly application?: ApplicationStatus | undefined;
  readonly workload?: WorkloadStatus | undefined;
  readonly migration?: MigrationStatus | undefined;
}

/** One line of the table. */
export function serviceStatus({
  service,
  delivery,
  release,
  application,
  workload,
  migration,
}: ServiceReadings): ServiceStatus {
  const releasedDigest = release?.image?.digest ?? null;
  const running = workload === undefined ? null : digestOf(workload.image);
  const runs = judge({
    delivery,
    release,
    application,
    workload,
    pending: running !== null && releasedDigest !== null && running !== releasedDigest,
  });
  const judged = withSignature(withVerdict(withMigration(runs, migration), release), release?.unsigned ?? null);
  return {
    service,
    state: judged.state,
    commit: release?.sourceCommit ?? null,
    digest: running ?? releasedDigest,
    releasedDigest,
    releaseCommit: release?.releaseCommit ?? null,
    releasedAt: release?.releasedAt ?? (delivery === "direct" ? (workload?.changedAt ?? null) : null),
    sync: application?.sync ?? null,
    health: application?.health ?? workload?.health ?? null,
    message:
      workload?.memoryHint ??
      (judged.state === "ok" || judged.message === null ? noteOf(release) : oneLine(judged.message)),
    migration: migration === undefined ? null : migrationState(migration),
    judgment: judgmentOf(release),
  };
}

interface Judgement {
  readonly state: State;
  readonly message: string | null;
}

/** What nobody has signed counts before whatever became of it. */
function withSignature(judged: Judgement, unsigned: string | null): Judgement {
  return unsigned === null ? judged : { state: "failed", message: `the release record: ${unsigned}` };
}

/** What keeps the next image from being released comes before what runs. */
function withMigration(judged: Judgement, migration: MigrationStatus | undefined): Judgement {
  if (migration === undefined || migration.state === "ok" || judged.state === "failed") return judged;
  const what = migration.state === "failed" ? "has failed" : "has not ended";
  return {
    state: migration.state,
    message: `the migration to ${shortDigest(migration.digest)} ${what}: ${migration.message ?? ""}`,
  };
}

/** What runs well may still have to prove itself, or have failed where nothing was there to go back to. */
function withVerdict(judged: Judgement, release: ReleaseStatus | undefined): Judgement {
  const { verification } = release ?? {};
  if (judged.state !== "ok" || verification === undefined || verification.state === "passed") return judged;
  return verification.state === "pending"
    ? { state: "progress", message: "what runs has yet to prove itself" }
    : { state: "failed", message: `what runs has not proved itself: ${verification.evidence}` };
}

/** What the record says of images that do not run. */
function noteOf({ rejected, waiting }: Partial<ReleaseStatus> = {}): string | null {
  if (waiting !== undefined) return `${shortDigest(waiting.digest)} waits until it may be released`;
  if (rejected === undefined) return null;
  const { digest, reason } = rejected;
  return oneLine(`${shortDigest(digest)} was taken back${reason === undefined ? "" : `: ${reason}`}`);
}

/** What was taken back is newer than what runs in its place. */
function judgmentOf({ image, verification, rejected }: Partial<ReleaseStatus> = {}): JudgedImage | null {
  if (rejected?.judgment !== undefined) return { ...rejected.judgment, digest: rejected.digest, takenBack: true };
  if (image === undefined || image === null || verification === undefined || verification.state === "pending")
    return null;
  const { judgment } = verification;
  return judgment === undefined ? null : { ...judgment, digest: image.digest, takenBack: false };
}

function migrationState({ digest, state, message, log }: MigrationStatus): MigrationState {
  return { digest, state, message, log };
}

/** `repository@sha256:…` → `sha256:…`; images of dependencies may be named by tag. */
function digestOf(image: string): string | null {
  return /@(sha256:[0-9a-f]{64})$/.exec(image)?.[1] ?? null;
}

function judge(readings: Omit<ServiceReadings, "service" | "migration"> & { pending: boolean }): Judgement {
  const { delivery, release, application, workload, pending } = readings;
  if (delivery === "direct") return workload ?? { state: "unknown", message: "not deployed" };
  const rollout = workload?.state ?? "unknown";
  const message = application?.message ?? workload?.message ?? null;
  if (application !== undefined) {
    const argoCd = applicationState(application);
    if (argoCd === "failed") return { state: argoCd, message };
    if (release !== undefined && release.image === null) return { state: "unknown", message: "not released yet" };
    if (pending) return { state: "progress", message: application.message ?? notYet };
    if (argoCd === "progress")
      return { state: argoCd, message: message ?? `${application.sync}, ${application.health}` };
    return workload === undefined ? { state: argoCd, message } : { state: worst([argoCd, rollout]), message };
  }
  if (release !== undefined && release.image === null) return { state: "unknown", message: "not released yet" };
  if (workload === undefined) return { state: "unknown", message: null };
  return pending ? { state: "progress", message: notYet } : { state: rollout, message };
}

const notYet = "the released image does not run yet";

/** One state from Argo CD's words for sync, health and the last operation. */
export function applicationState({ sync, health, phase }: Pick<ApplicationStatus, "sync" | "health" | "phase">): State {
  if (["Degraded", "Missing"].includes(health) && phase !== "Running") return "failed";
  if (phase === "Failed" || phase === "Error") return "failed";
  if (phase === "Running" || health === "Progressing" || health === "Suspended" || sync === "OutOfSync")
    return "progress";
  if (sync === "Synced" && health === "Healthy") return "ok";
  return "unknown";
}
