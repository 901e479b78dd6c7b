import type { ApplicationFacts, DeploymentFacts } from "./cluster-facts.ts";
import { worst, type ServiceStatus, type Stage, type StageName, type State, type StatusProblem } from "./model.ts";
import type { Reading } from "./reading.ts";
import { applicationState } from "./service-status.ts";
import type { DeployFacts } from "./release-facts.ts";
import type { SourceFacts } from "./source-facts.ts";

/** An image that is released or runs, and whether the registry has it. */
export interface ImageFacts {
  readonly service: string;
  readonly present: boolean;
}

/** What every part has said; those that the kind of delivery does not have are left out. */
export interface Readings {
  readonly source: Reading<SourceFacts>;
  readonly ci: Reading<Pick<Stage, "state" | "summary">>;
  readonly registry: Reading<readonly ImageFacts[]>;
  readonly git?: Reading<DeployFacts>;
  readonly argocd?: Reading<readonly ApplicationFacts[]>;
  readonly cluster: Reading<readonly DeploymentFacts[]>;
}

const order: readonly StageName[] = ["source", "ci", "registry", "git", "argocd", "cluster"];

/** The pipeline from the source to the cluster. */
export function stagesOf(readings: Readings, services: readonly ServiceStatus[]): Stage[] {
  const { source, ci, registry, git, argocd, cluster } = readings;
  const found: Record<StageName, Stage | undefined> = {
    source: stage("source", source, ({ commit, branch }) => ({
      state: "ok",
      summary: `${shortCommit(commit)} on ${branch}`,
    })),
    ci: stage("ci", ci, (facts) => facts),
    registry: stage("registry", registry, imagesStage),
    git: git && stage("git", git, (facts) => gitStage(facts, services)),
    argocd: argocd && stage("argocd", argocd, applicationsStage),
    cluster: stage("cluster", cluster, (deployments) =>
      counted(
        deployments.map(({ state }) => state),
        "rolled out",
        "no Deployment yet",
      ),
    ),
  };
  return order.flatMap((name) => found[name] ?? []);
}

/** Why parts have not answered. */
export function problemsOf(readings: Readings): StatusProblem[] {
  return order.flatMap((part) => {
    const reading = readings[part];
    return reading !== undefined && "reason" in reading ? [{ part, reason: reading.reason }] : [];
  });
}

/** Seven digits, as Git shows them. */
export function shortCommit(commit: string): string {
  return commit.slice(0, 7);
}

function stage<T>(name: StageName, reading: Reading<T>, of: (facts: T) => Pick<Stage, "state" | "summary">): Stage {
  if ("reason" in reading)
    return { name, state: reading.state, summary: reading.state === "failed" ? "gives an error" : "not reachable" };
  return { name, ...of(reading.facts) };
}

function imagesStage(images: readonly ImageFacts[]): Pick<Stage, "state" | "summary"> {
  const missing = images.filter(({ present }) => !present);
  if (images.length === 0) return { state: "unknown", summary: "no image is known" };
  if (missing.length > 0) return { state: "failed", summary: `${missing.length} of ${images.length} images missing` };
  return { state: "ok", summary: `${images.length} of ${images.length} images` };
}

function gitStage(
  { tip, releases }: DeployFacts,
  services: readonly ServiceStatus[],
): Pick<Stage, "state" | "summary"> {
  if (tip === null) return { state: "unknown", summary: "the branch is empty" };
  const released = releases.filter(({ image }) => image !== null).length;
  const summary = `${released} of ${releases.length} released at ${shortCommit(tip)}`;
  if (releases.length === 0) return { state: "unknown", summary: `no service at ${shortCommit(tip)}` };
  // What Git says and the cluster does not do yet is on its way.
  const underWay = services.some(({ digest, releasedDigest }) => releasedDigest !== null && digest !== releasedDigest);
  return { state: released === 0 ? "unknown" : underWay ? "progress" : "ok", summary };
}

function applicationsStage(applications: readonly ApplicationFacts[]): Pick<Stage, "state" | "summary"> {
  return counted(applications.map(applicationState), "Synced, Healthy", "no Application yet");
}

function counted(states: readonly State[], what: string, none: string): Pick<Stage, "state" | "summary"> {
  if (states.length === 0) return { state: "unknown", summary: none };
  const good = states.filter((state) => state === "ok").length;
  return { state: worst(states), summary: `${good} of ${states.length} ${what}` };
}
