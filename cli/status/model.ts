import type { RecordedJudgment } from "../../git/recorded-judgment.ts";

/** The state of a part of the pipeline: `unknown` also where it cannot be asked, or has done nothing yet. */
export type State = "ok" | "progress" | "failed" | "unknown";

/** The parts of the pipeline, in the order in which a commit passes them. */
export type StageName = "source" | "ci" | "registry" | "git" | "argocd" | "cluster";

export interface Stage {
  readonly name: StageName;
  readonly state: State;
  /** A few words, e.g. `5 of 5 rolled out`. */
  readonly summary: string;
}

/** The newest migration of a service. */
export interface MigrationState {
  readonly digest: string;
  readonly state: State;
  /** Why it is not `ok`. */
  readonly message: string | null;
  /** What it has printed last, if it has failed. */
  readonly log: readonly string[];
}

/** What the metrics of an image came to beside those of a baseline. */
export interface JudgedImage extends RecordedJudgment {
  readonly digest: string;
  /** Whether it was taken back, so that another image runs. */
  readonly takenBack: boolean;
}

/** One service of one environment. Digests and commits are whole; what is not known is `null`. */
export interface ServiceStatus {
  readonly service: string;
  readonly state: State;
  /** The commit of the monorepo that the image was built from. */
  readonly commit: string | null;
  /** The digest that the Deployment names; the released one where the cluster cannot be asked. */
  readonly digest: string | null;
  /** The digest of the release record. */
  readonly releasedDigest: string | null;
  /** The commit of the deploy repository that released it. */
  readonly releaseCommit: string | null;
  /** ISO 8601. With delivery `direct`: when the Deployment last changed. */
  readonly releasedAt: string | null;
  /** Argo CD's word, e.g. `Synced`. */
  readonly sync: string | null;
  /** Argo CD's word, or what it would say of the Deployment, e.g. `Healthy`. */
  readonly health: string | null;
  /** Why it is not `ok`, or what to do although it is. */
  readonly message: string | null;
  /** `null`: it has had none, or the cluster cannot be asked. */
  readonly migration: MigrationState | null;
  /** The newest judgment of an image of it; `null`: there is none. */
  readonly judgment: JudgedImage | null;
}

/** A part that could not be asked, or that refused. */
export interface StatusProblem {
  readonly part: StageName;
  readonly reason: string;
}

/** One of several clusters on which an environment runs. */
export interface ClusterStatus {
  readonly name: string;
  /** When it gets a release; from 1 on. */
  readonly wave: number;
  /** Why it cannot be asked; `null`: it has answered. */
  readonly away: string | null;
  /** What it is to run, by the records of its wave, and what it runs. */
  readonly services: readonly ServiceStatus[];
}

/** The delivery of one environment at one moment. Holds nothing secret. */
export interface DeliveryStatus {
  readonly app: string;
  readonly environment: string;
  readonly delivery: "gitops" | "direct";
  /** ISO 8601. */
  readonly takenAt: string;
  readonly stages: readonly Stage[];
  /** On the environment's own cluster, where Argo CD runs. */
  readonly services: readonly ServiceStatus[];
  /** All clusters, that one first. @default it is the only one */
  readonly clusters?: readonly ClusterStatus[];
  /** The services that nothing tests, as they say. */
  readonly untested: readonly string[];
  readonly problems: readonly StatusProblem[];
}

const severity: readonly State[] = ["ok", "unknown", "progress", "failed"];

/** The worst of several states; `unknown` of none. */
export function worst(states: readonly State[]): State {
  return severity.findLast((state) => states.includes(state)) ?? "unknown";
}
