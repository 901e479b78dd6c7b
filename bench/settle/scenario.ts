import { seededRandom, type Random } from "../affected/random.ts";

/** What becomes of an image: it serves; is never ready; answers 500 after some seconds; starts and answers slowly, and serves. */
export type ImageKind = "good" | "never" | "late" | "slow";

/** When something goes wrong: the release commit is there; the workload names its image; all pods run it; its verdict is in Git. */
export const phases = ["committed", "rolling", "running", "judged"] as const;
export type Phase = (typeof phases)[number];

/** What is killed: `delivery verify`, or a process of the sandbox. */
export const victims = [
  "waiter",
  "git-server",
  "kube-apiserver",
  "kube-controller-manager",
  "argocd-application-controller",
  "argocd-repo-server",
  "argocd-redis",
  "rollouts-controller",
] as const;
export type Victim = (typeof victims)[number];

/** Something that comes between a release and its verdict. */
export type Fault = {
  readonly phase: Phase;
  /** Milliseconds after the phase has begun. */
  readonly delay: number;
} & (
  | {
      readonly event: "kill";
      readonly victim: Victim;
      /** Milliseconds until it is started again. */ readonly down: number;
    }
  | { readonly event: "newer commit"; readonly image: ImageKind }
  | { readonly event: "second waiter" }
);

/** One random run: a release, and what comes between. The same seed gives the same one. */
export interface Scenario {
  readonly seed: number;
  readonly workload: "Deployment" | "Rollout";
  readonly image: ImageKind;
  /** Whether a job waits for the verdict, or a schedule looks again and again. */
  readonly waiter: "waits" | "looks";
  readonly faults: readonly Fault[];
}

const images = [
  { kind: "good", weight: 3 },
  { kind: "late", weight: 3 },
  { kind: "never", weight: 2 },
  { kind: "slow", weight: 1 },
] as const satisfies readonly { readonly kind: ImageKind; readonly weight: number }[];

const events = [
  { event: "kill", weight: 7 },
  { event: "newer commit", weight: 2 },
  { event: "second waiter", weight: 1 },
] as const satisfies readonly { readonly event: Fault["event"]; readonly weight: number }[];

const counts = [
  { count: 1, weight: 6 },
  { count: 2, weight: 3 },
  { count: 0, weight: 1 },
] as const;

export function scenarioOf(seed: number): Scenario {
  const random = seededRandom(scattered(seed));
  const workload = random.chance(0.3) ? "Rollout" : "Deployment";
  const image = random.weighted(images).kind;
  const { count } = random.weighted(counts);
  return {
    seed,
    workload,
    image,
    waiter: random.chance(0.3) ? "looks" : "waits",
    faults: Array.from({ length: count }, () => faultOf(random, workload, image)),
  };
}

/** Neighbouring seeds would give much the same first numbers. The constants are those of MurmurHash3's last step. */
function scattered(seed: number): number {
  const once = Math.imul(seed ^ (seed >>> 16), 0x85ebca6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
  return (twice ^ (twice >>> 16)) >>> 0;
}

function faultOf(random: Random, workload: Scenario["workload"], image: ImageKind): Fault {
  // Of one that is never ready, not all pods ever run.
  const phase = random.pick(image === "never" ? phases.filter((one) => one !== "running") : phases);
  // Half of them right at the moment itself, where the most is half done.
  const at = { phase, delay: random.chance(0.5) ? 0 : random.below(1500) };
  const { event } = random.weighted(events);
  switch (event) {
    case "kill": {
      const known = victims.filter((victim) => victim !== "rollouts-controller" || workload === "Rollout");
      // The waiter is the product's own part.
      const victim = random.chance(0.3) ? "waiter" : random.pick(known);
      return { ...at, event, victim, down: random.below(3000) };
    }
    case "newer commit":
      return { ...at, event, image: random.weighted(images).kind };
    case "second waiter":
      return { ...at, event };
  }
}

/** E.g. `Deployment, late; kills git-server for 1.2 s, 0.3 s after judged`. */
export function describeScenario({ workload, image, waiter, faults }: Scenario): string {
  const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;
  const told = faults.map((fault) => {
    const what =
      fault.event === "kill"
        ? `${fault.victim} killed${fault.victim === "waiter" ? "" : ` for ${seconds(fault.down)}`}`
        : fault.event === "newer commit"
          ? `a newer commit, ${fault.image}`
          : "a second waiter";
    return `${what}, ${fault.delay === 0 ? "once" : `${seconds(fault.delay)} after it is`} ${fault.phase}`;
  });
  return [`${workload}, ${image}, a job that ${waiter}`, ...told].join("; ");
}
