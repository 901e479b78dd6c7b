import { canaryServiceName, nameProblem, previewServiceName } from "../../core/names.ts";
import type { Problem } from "../../core/problem.ts";
import type { Candidate } from "./candidates.ts";
import { isExposed } from "./exposure.ts";
import { runsToCompletion } from "./kind.ts";
import { portsOf, type Listening, type NamedPort } from "./ports.ts";
import { containerProbes } from "./probes.ts";
import {
  isRouted,
  analysesOf,
  measurementTimes,
  pausedSeconds,
  type BlueGreenSettings,
  type CanarySettings,
} from "./rollout-settings.ts";
import type { Service } from "./service.ts";
import { hasPodVolumes, headlessName } from "./volumes.ts";

/** What says whether an environment can have rollouts by Argo Rollouts. */
interface RolloutHost {
  delivery: "gitops" | "direct";
  gitops?: { rollouts?: unknown } | undefined;
}

/** What says whether a Gateway can split requests. */
interface RouterHost {
  cluster: { gateway?: unknown };
  gitops?: { rollouts?: "existing" | { gatewayPlugin?: unknown } | undefined } | undefined;
}

/** Why an environment can have none; `undefined`: it can. @param file the stack file */
export function rolloutRefusal(file: string, { delivery, gitops }: RolloutHost): string | undefined {
  if (delivery === "direct")
    return `an image that is taken back has no release record where this program applies the workloads (delivery direct of ${file}); remove it there`;
  if (gitops?.rollouts !== undefined) return undefined;
  return `Argo Rollouts is to be on the cluster; set gitops.rollouts of ${file} to {}, and this program installs it, or to existing where it is there`;
}

/** Why no Gateway can split requests in an environment; `undefined`: one can. @param file the stack file */
export function routerRefusal(file: string, { cluster, gitops }: RouterHost): string | undefined {
  if (cluster.gateway === undefined)
    return `there is no Gateway that could split requests; set cluster.gateway of ${file}, or remove it there`;
  const { rollouts } = gitops ?? {};
  if (typeof rollouts !== "object" || rollouts.gatewayPlugin !== undefined) return undefined;
  return `Argo Rollouts writes the weights of routes by a plugin, and has none; set gitops.rollouts.gatewayPlugin of ${file}, or remove it there`;
}

/** What is to be known of a service beyond its settings. */
interface RolloutArgs {
  /** Why the environment can have none. */
  readonly refusal: string | undefined;
  /** Why none can have a router. */
  readonly routerRefusal: string | undefined;
  /** Where it listens, as its Dockerfile says, too. */
  readonly listening: Listening;
}

type Refuse = (path: readonly string[], message: string) => void;

/** What a rollout would not do, though it says so. */
export function rolloutProblems({ settings, origin }: Candidate, args: RolloutArgs): Problem[] {
  const { refusal, listening } = args;
  const { rollout, autoscaling, volumes = {} } = settings;
  if (rollout === undefined || runsToCompletion(settings)) return [];
  const problems: Problem[] = [];
  const refuse: Refuse = (path, message) => void problems.push({ location: origin("rollout", ...path), message });
  if (refusal !== undefined) refuse([], refusal);
  if (autoscaling !== undefined)
    refuse(
      [],
      "an autoscaler would count the pods of both images as one, and so ask for too many; set `replicas` in place of `autoscaling`",
    );
  if (hasPodVolumes({ volumes }))
    refuse(
      [],
      "pods with volumes of their own are changed one after the other by a StatefulSet, and Argo Rollouts has none; remove it",
    );
  else if (Object.values(volumes).some(({ accessMode }) => accessMode !== "ReadWriteMany"))
    refuse(
      [],
      "new pods cannot be beside the others where one node writes the volume at a time; set its `accessMode` to ReadWriteMany, or remove it",
    );
  if (rollout.strategy === "canary") canaryProblems(rollout, settings, args, refuse);
  else blueGreenProblems(rollout, settings, portsOf(listening), refuse);
  return problems;
}

function canaryProblems(
  rollout: CanarySettings,
  settings: Candidate["settings"],
  args: RolloutArgs,
  refuse: Refuse,
): void {
  if (rollout.router === undefined) stepsOfPods(rollout, settings, refuse);
  else stepsOfRequests(rollout, settings, args, refuse);
  const { analysis } = rollout;
  const paused = pausedSeconds(rollout);
  if (analysis !== undefined && paused <= measurementTimes(analysis).delay)
    refuse(
      ["analysis"],
      `the first measurement is after ${measurementTimes(analysis).delay} s, and all steps pause for ${paused} s: nothing would be measured; set \`pause\` of the steps, or a shorter \`delay\``,
    );
}

/** The Gateway splits requests from outside, whatever the number of pods. */
function stepsOfRequests(
  { steps }: CanarySettings,
  { replicas, expose }: Candidate["settings"],
  { routerRefusal: refusal, listening }: RolloutArgs,
  refuse: Refuse,
): void {
  if (refusal !== undefined) refuse(["router"], refusal);
  if (!isExposed({ expose, ...listening }))
    refuse(
      ["router"],
      "no requests come from outside, which are those that a Gateway splits; set `expose`, or remove it",
    );
  if (replicas === 0)
    refuse([], "there are no pods to which requests could go; set `replicas` to 1 at least, or remove it");
  for (const [index, { weight }] of steps.entries()) {
    const before = steps[index - 1];
    if (before !== undefined && weight <= before.weight)
      refuse(
        ["steps", String(index), "weight"],
        `${weight} is not above ${before.weight} of the step before it; steps go up`,
      );
  }
}

/** Without a router, traffic is split by pods alone. */
function stepsOfPods(
  rollout: CanarySettings,
  { replicas = 1, autoscaling }: Candidate["settings"],
  refuse: Refuse,
): void {
  if (autoscaling === undefined && replicas < 2)
    return refuse(
      ["steps"],
      `of ${replicas === 1 ? "one pod" : "no pods"} there are no parts; set \`replicas\` to 2 at least, or a \`router\`, or remove it`,
    );
  for (const [index, { weight }] of autoscaling === undefined ? rollout.steps.entries() : []) {
    const at = ["steps", String(index), "weight"];
    const before = rollout.steps[index - 1];
    if (weight * replicas < 100)
      refuse(
        at,
        `${weight} % of ${replicas} pods is less than one pod; set it to ${Math.ceil(100 / replicas)} at least, or raise \`replicas\``,
      );
    else if (before !== undefined && weight <= before.weight)
      refuse(at, `${weight} is not above ${before.weight} of the step before it; steps go up`);
    else if (before !== undefined && canaryPods(replicas, weight).canary === canaryPods(replicas, before.weight).canary)
      refuse(
        at,
        `${weight} % of ${replicas} pods are as many as ${before.weight} %: ${canaryPods(replicas, weight).canary}; take one of the steps out, or raise \`replicas\``,
      );
  }
}

/** Requests are moved by a Service, and what tells when is the readiness of the pods, or an analysis. */
function blueGreenProblems(
  rollout: BlueGreenSettings,
  { replicas, probes }: Candidate["settings"],
  ports: readonly NamedPort[],
  refuse: Refuse,
): void {
  if (ports.length === 0)
    return refuse(
      ["strategy"],
      "without a port there is no Service that could lead to the new pods; set `port`, or `strategy` to canary, or remove it",
    );
  if (replicas === 0)
    refuse([], "there are no pods to which requests could go; set `replicas` to 1 at least, or remove it");
  if (containerProbes(probes, ports).readinessProbe === undefined && rollout.prePromotionAnalysis === undefined)
    refuse(
      [],
      "nothing tells whether the new pods answer, and requests would go to them at once; set `probes.readiness` or `prePromotionAnalysis`",
    );
  for (const key of ["prePromotionAnalysis", "postPromotionAnalysis"] as const) {
    const { count = 0, metrics = {} } = rollout[key] ?? {};
    for (const [name, { failures = 0 }] of Object.entries(metrics))
      if (failures >= count)
        refuse(
          [key, "metrics", name, "failures"],
          `${failures} of ${count} measurements may be bad, and so all of them; set it below \`count\`, or raise that`,
        );
  }
}

/** Services of which that of the new pods would have the name of another. */
export function newPodsServiceProblems(
  read: readonly { candidate: Pick<Candidate, "name" | "settings" | "origin"> }[],
  dependencies: ReadonlySet<string>,
): Problem[] {
  const owners = new Map([...dependencies].map((name) => [name, `the dependency ${name}`]));
  for (const { candidate } of read) {
    owners.set(candidate.name, `the service ${candidate.name}`);
    if (hasPodVolumes(candidate.settings)) owners.set(headlessName(candidate.name), `the volumes of ${candidate.name}`);
  }
  return read.flatMap(({ candidate: { name, settings, origin } }) => {
    const { rollout } = settings;
    const isBlueGreen = rollout?.strategy === "blueGreen";
    if (!isBlueGreen && !isRouted(rollout)) return [];
    const location = origin("rollout", isBlueGreen ? "strategy" : "router");
    const made = isBlueGreen ? previewServiceName(name) : canaryServiceName(name);
    const invalid = nameProblem(made);
    if (invalid !== undefined)
      return [
        { location, message: `the Service of the new pods is ${made}, which ${invalid}; set a shorter \`name\`` },
      ];
    const owner = owners.get(made);
    if (owner === undefined) return [];
    return [
      {
        location,
        message: `the Service of the new pods has the name ${made}, which is that of ${owner}; rename one of them`,
      },
    ];
  });
}

/** Queries that count the pods before as much as the new ones, unless they tell them apart by labels that nobody knows here. */
export function rolloutWarnings(services: readonly Pick<Service, "name" | "rollout">[]): string[] {
  return services.flatMap(({ name, rollout }) =>
    (rollout === undefined ? [] : analysesOf(rollout).flatMap(({ metrics }) => Object.entries(metrics))).flatMap(
      ([metric, { query }]) =>
        query.includes("${pods}")
          ? []
          : [
              `the query of metric ${metric}, by which the rollout of ${name} is judged, does not have \${pods}: without another limit to the new pods, a bad image hides among those before; write it like pod=~"\${pods}"`,
            ],
    ),
  );
}

/**
 * How many pods of the new and of the old image there are at a step: as near to the weight as it gets with one pod more, if that
 * helps, and at least one of each. As Argo Rollouts 1.10.2 has it without a router, with a surge of one pod.
 */
export function canaryPods(replicas: number, weight: number): { readonly canary: number; readonly stable: number } {
  const share = (replicas * weight) / 100;
  const [up, down] = [Math.ceil(share), Math.floor(share)];
  const options = [replicas, replicas + 1].flatMap((total) => {
    // Half a pod is rounded up.
    const isTied = ((total * weight) / 100) % 1 === 0.5;
    return [...(up < total ? [{ canary: up, total }] : []), ...(!isTied && down > 0 ? [{ canary: down, total }] : [])];
  });
  const distance = ({ canary, total }: { canary: number; total: number }): number =>
    Math.abs((100 * canary) / total - weight);
  const [best = { canary: replicas, total: replicas }] = options.toSorted(
    (one, other) => distance(one) - distance(other),
  );
  return { canary: best.canary, stable: best.total - best.canary };
}
