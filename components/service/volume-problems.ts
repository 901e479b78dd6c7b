import type { Problem } from "../../core/problem.ts";
import type { Candidate } from "./candidates.ts";
import { runsToCompletion } from "./kind.ts";
import { claimName, headlessName } from "./volumes.ts";

/** StatefulSets label pods with their own name and eleven more characters. */
const longestStatefulName = 52;

/** What the volumes of a service, and its other settings, cannot have together. */
export function volumeProblems({ settings, name, directory, origin }: Candidate): Problem[] {
  const { kind, volumes = {}, replicas = 1, autoscaling, concurrency = "Allow" } = settings;
  const all = Object.entries(volumes);
  const own = all.filter(([, { perPod }]) => perPod === true);
  const shared = all.filter(([, { perPod }]) => perPod !== true);
  const single = shared.filter(([, { accessMode }]) => accessMode !== "ReadWriteMany");
  const problems: Problem[] = [];
  const refuse = (path: readonly string[], message: string): void =>
    void problems.push({ location: origin(...path), message });
  const way =
    "set `accessMode` to ReadWriteMany where the storage class can do that, or `perPod` to true, which gives each pod a volume of its own";
  const most = runsToCompletion(settings) ? 1 : (autoscaling?.max ?? replicas);
  for (const [volume] of most > 1 ? single : [])
    refuse(
      autoscaling === undefined ? ["replicas"] : ["autoscaling"],
      `${most} pods cannot share the volume ${volume}, which one node writes at a time; keep one pod, or ${way}`,
    );
  for (const [volume] of kind === "cron" && concurrency === "Allow" ? single : [])
    refuse(
      ["volumes", volume],
      "two runs at once may be on two nodes, and one node writes it at a time; set `concurrency` to Forbid or Replace, or `accessMode` to ReadWriteMany",
    );
  if (own.length === 0) return problems;
  for (const [volume] of kind === "cron" || kind === "job" ? own : [])
    refuse(["volumes", volume, "perPod"], `has no effect on a ${kind}, whose pods come and go; remove it`);
  for (const [volume, { whenDeleted }] of own)
    if (whenDeleted === "Delete")
      refuse(
        ["volumes", volume, "whenDeleted"],
        "Kubernetes makes the claims of single pods, and this program cannot delete them; leave it out, and delete them by `kubectl delete pvc` when they are not needed any more",
      );
  if (autoscaling !== undefined)
    refuse(
      ["autoscaling"],
      `has no effect beside volumes of single pods (${own[0]?.[0]}), whose data does not come and go with the load; set \`replicas\``,
    );
  if (name.length > longestStatefulName)
    problems.push({
      location: directory,
      message: `its name ${JSON.stringify(name)} has ${name.length} characters; with volumes of single pods it takes at most ${longestStatefulName}: set a shorter \`name\``,
    });
  return problems;
}

/** Services whose claims or headless Services would have the name of another's. */
export function claimProblems(
  read: readonly { candidate: Pick<Candidate, "name" | "settings" | "origin"> }[],
  dependencies: ReadonlySet<string>,
): Problem[] {
  const owners = new Map<string, string>();
  for (const name of dependencies) {
    owners.set(`PersistentVolumeClaim ${name}`, `the dependency ${name}`);
    owners.set(`Service ${name}`, `the dependency ${name}`);
  }
  for (const { candidate } of read) owners.set(`Service ${candidate.name}`, `the service ${candidate.name}`);
  const ofPods = read.flatMap(({ candidate: { name, settings } }) =>
    Object.entries(settings.volumes ?? {}).flatMap(([volume, { perPod }]) =>
      perPod === true ? [{ name, claims: new RegExp(`^${volume}-${name}-\\d+$`) }] : [],
    ),
  );
  return read.flatMap(({ candidate: { name, settings, origin } }) =>
    Object.entries(settings.volumes ?? {}).flatMap(([volume, { perPod }]) => {
      const object =
        perPod === true ? `Service ${headlessName(name)}` : `PersistentVolumeClaim ${claimName(name, volume)}`;
      const pods = perPod === true ? undefined : ofPods.find(({ claims }) => claims.test(claimName(name, volume)));
      const owner = pods === undefined ? owners.get(object) : `a pod of ${pods.name}`;
      if (owner === undefined || owner === `the volumes of ${name}`) {
        owners.set(object, `the volumes of ${name}`);
        return [];
      }
      const message = `needs the name of the ${object}, which is that of ${owner}; rename one of them`;
      return [{ location: origin("volumes", volume), message }];
    }),
  );
}
