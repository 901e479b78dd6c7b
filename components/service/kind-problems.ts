import type { Problem } from "../../core/problem.ts";
import type { Candidate, CandidateArgs } from "./candidates.ts";
import { runsToCompletion, type Kind } from "./kind.ts";

/** Which kinds take which settings; a setting that is not here belongs to all of them. */
const takers: Readonly<Record<string, readonly Kind[]>> = {
  port: ["server"],
  ports: ["server"],
  probes: ["server", "worker"],
  expose: ["server"],
  replicas: ["server", "worker"],
  autoscaling: ["server", "worker"],
  rollout: ["server", "worker"],
  schedule: ["cron"],
  timeZone: ["cron"],
  concurrency: ["cron"],
  startingDeadlineSeconds: ["cron"],
  history: ["cron"],
  activeDeadlineSeconds: ["cron", "job"],
  backoffLimit: ["cron", "job"],
};

/** CronJobs make Jobs of their own name and eleven more characters, and those label their pods. */
const longestCronName = 52;

/** Settings that have no effect on a service of its kind, and what its kind needs and lacks. */
export function kindProblems({ settings, name, directory, origin }: Candidate): Problem[] {
  const { kind } = settings;
  const given = new Map(Object.entries(settings));
  const idle = Object.entries(takers).flatMap(([setting, kinds]) => {
    const isTaken = takes(settings, kinds);
    const location = origin(setting);
    if (isTaken || given.get(setting) === undefined || location.includes(": defaults.")) return [];
    if (setting === "expose" && settings.expose === false) return [];
    const way = kinds.length === 1 ? `set \`kind\` to ${kinds[0]}` : `set \`kind\` to ${kinds.join(" or ")}`;
    return [{ location, message: `has no effect on a ${kind ?? "service that always runs"}; remove it, or ${way}` }];
  });
  const unscheduled =
    kind === "cron" && settings.schedule === undefined
      ? [{ location: origin("kind"), message: 'a cron needs a `schedule`, such as "30 2 * * *"; add one' }]
      : [];
  const unnamable =
    kind === "cron" && name.length > longestCronName
      ? [
          {
            location: directory,
            message: `its name ${JSON.stringify(name)} has ${name.length} characters; that of a cron takes at most ${longestCronName}: set a shorter \`name\``,
          },
        ]
      : [];
  return [...idle, ...unscheduled, ...unnamable];
}

/** Whether a service takes what is for these kinds. What one without `kind` says of its port is judged with its Dockerfile. */
function takes(settings: Candidate["settings"], kinds: readonly Kind[]): boolean {
  if (runsToCompletion(settings)) return kinds.some((kind) => kind === settings.kind);
  return kinds.includes("server") || kinds.includes("worker");
}

/** Settings of the defaults that are for kinds of which the environment has no service. */
export function unusedKindSettings(found: readonly Candidate[], { defaults, file }: CandidateArgs): Problem[] {
  const given = new Map(Object.entries(defaults));
  return Object.entries(takers).flatMap(([setting, kinds]) => {
    const isTaken = found.some(({ settings }) => takes(settings, kinds));
    if (found.length === 0 || isTaken || given.get(setting) === undefined) return [];
    const message = `has no effect: no service is a ${kinds.join(" or a ")}; remove it`;
    return [{ location: `${file}: defaults.${setting}`, message }];
  });
}
