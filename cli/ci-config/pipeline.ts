import type { ServiceContainer } from "../../components/service/test-settings.ts";
import type { ProgramLayout } from "./program-layout.ts";

/** All that the configuration is made from. */
export interface Pipeline {
  /** The first part of every name. */
  readonly app: string;
  /** The command that generates the files again, e.g. `delivery ci-config --env dev`. */
  readonly regenerate: string;
  /** The image that jobs run in. */
  readonly image: string;
  readonly layout: ProgramLayout;
  /** Where the monorepo is in its checkout, from the root of that. */
  readonly appDirectory: string;
  /** What is merged comes here first. */
  readonly first: PipelineEnvironment;
  /** The contexts that its environments share. */
  readonly contexts: SharedContexts;
  /** The variables of each context, by its name. @default not known */
  readonly contextVariables?: Readonly<Record<string, readonly string[]>>;
  /** What is merged there is delivered. @default the default branch of the repository */
  readonly deliveredBranch?: string | undefined;
  /** Whether there is a login that may only pull, for what images are made from. */
  readonly pullLogin: boolean;
  /** The environments that digests are promoted to, each after the one that they come from. */
  readonly promotions: readonly Promotion[];
  /** Those that are tested and built, sorted by name. */
  readonly services: readonly PipelineService[];
  /** Those that are only tested. */
  readonly testedOnly: readonly PipelineService[];
  /** Whether an image is built for several platforms, of which the builder may have to emulate all but its own. @default none is */
  readonly emulated?: true;
  /** Whether CI releases what it has built; else whoever watches the registry does. */
  readonly releases: boolean;
  /** Whether a schedule goes on with what no job waits for any more. @default none does */
  readonly resumes?: true;
  /** Whether CircleCI lists releases among its deploys. @default it does not */
  readonly deployMarkers?: true;
  /** Whether pull requests get a preview: they change more than tests and documents. */
  readonly previews: boolean;
  /** Whether labelled pull requests get an environment of their own. */
  readonly previewEnvironments: boolean;
}

/** The names of the contexts that environments share: sets of variables that only the jobs have which name them. */
export interface SharedContexts {
  /** Builds of what is merged. */
  readonly build: string;
  /** All that pull requests get. */
  readonly read: string;
  /** What gives labelled pull requests environments of their own. */
  readonly previews: string;
}

export interface PipelineEnvironment {
  /** The name of its stack. */
  readonly name: string;
  /** The context with its own credentials. */
  readonly context: string;
  /** Whether the registry lets that context's login see images; else jobs that ask for some take the one that may push. */
  readonly pulls: boolean;
  /** How long its job waits until images have proved themselves, in minutes. @default they need not */
  readonly verifyWait?: number;
  /** Whether what is released may have to wait for a window. @default it is released at once */
  readonly hasWindows?: true;
  /** Whether what runs there gets versions. @default it gets none */
  readonly hasVersions?: true;
}

export interface Promotion extends PipelineEnvironment {
  readonly from: string;
  readonly approval: boolean;
  /** What a person may choose in place of approving. @default nothing */
  readonly choices?: readonly ("hold" | "take-back")[];
  /** How long the digests must have been healthy in `from`, in minutes. @default not at all */
  readonly healthyMinutes?: number | undefined;
}

export interface PipelineService {
  readonly name: string;
  /** The services from whose images its own is made. @default none */
  readonly bases?: readonly string[];
  /** What its tests need. */
  readonly serviceContainers: readonly ServiceContainer[];
  /** Whether nothing tests it, as its settings say. @default it is tested */
  readonly untested?: true;
  /** The image that its tests run in. @default that of all jobs */
  readonly testImage?: string | undefined;
  /** What tests it in that image, by itself: the image need not have what this program needs. @default this program does */
  readonly testScript?: string | undefined;
  /** What makes files for its image. @default nothing is to be made */
  readonly prepare?: PrepareCommand | undefined;
}

/** A command in the root of the monorepo that makes files for an image. */
export interface PrepareCommand {
  readonly command: string;
  /** The image that it runs in. @default that of all jobs */
  readonly image?: string | undefined;
  /** The service's directory, from the root of the monorepo. */
  readonly directory: string;
  /** What the build of the image sees, from the root of the monorepo; `.` is all of it. */
  readonly context: string;
}

/** Why a pipeline runs. The setup job finds out; each has a workflow of its own. */
export const triggerKinds = [
  "deliver",
  "review",
  "review-with-environment",
  "review-of-fork",
  "drift",
  "resume",
] as const;
export type TriggerKind = (typeof triggerKinds)[number];

/** How long a release may take until it is Healthy, in minutes. */
const rollout = 15;

/** How long a promotion waits until what it promotes has been healthy long enough, in minutes; `undefined`: not at all. */
export function healthWait({ healthyMinutes }: Promotion): number | undefined {
  return healthyMinutes === undefined ? undefined : healthyMinutes + rollout;
}
