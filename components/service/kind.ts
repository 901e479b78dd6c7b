import { z } from "zod";
import { scheduleProblem, timeZoneProblem } from "../../core/cron.ts";
import { kubernetesInt } from "../../core/problem.ts";

// What is longer is a slip of the keyboard, and beyond what the engine's own timeouts hold.
const secondsSchema = z.int("Must be a whole number of seconds").max(31_536_000, "Is more than a year");
const countSchema = kubernetesInt();

/** As Kubernetes takes it: five fields of cron. */
export const scheduleSchema = z
  .string('Must be five fields of cron in quotes, such as "30 2 * * *"')
  .superRefine(refusing(scheduleProblem));

/** Of the IANA database. */
export const timeZoneSchema = z
  .string("Must be a time zone such as Europe/Berlin")
  .superRefine(refusing((name) => timeZoneProblem(name)?.replace(/^is /, "Is ")));

/** What a service says of how its pods run: for as long as it is there, at set times, or once. */
export const kindSettings = {
  /**
   * `server`: others reach it at its port; `worker`: nobody does, no probe either; `cron`: its pods run at the times of
   * `schedule`; `job`: they run once for every new image. @default server where a port is known, else worker
   */
  kind: z.enum(["server", "worker", "cron", "job"], "Must be server, worker, cron or job").optional(),
  /** When a cron runs: minute, hour, day of the month, month, day of the week; or @hourly and the like. */
  schedule: scheduleSchema.optional(),
  /** Of the schedule. @default that of the cluster's controller manager, mostly UTC */
  timeZone: timeZoneSchema.optional(),
  /** Whether a cron begins while its last run goes on: beside it, not at all, or in its place. @default Allow */
  concurrency: z.enum(["Allow", "Forbid", "Replace"], "Must be Allow, Forbid or Replace").optional(),
  /** How late a cron may begin, in seconds, where it could not in time. @default however late */
  startingDeadlineSeconds: secondsSchema
    .min(10, "Must be at least 10: Kubernetes looks at schedules every 10 seconds, and would miss them")
    .optional(),
  /** How long a run may take with all its attempts, in seconds; then it has failed. @default as long as it takes */
  activeDeadlineSeconds: secondsSchema.min(1, "Must be at least 1").optional(),
  /** How often a run that fails is tried again. @default 2 */
  backoffLimit: countSchema.min(0, "Must not be negative").optional(),
  /** How many runs of a cron are kept, with their logs. */
  history: z
    .strictObject({
      /** @default 3 */
      successful: countSchema.min(0, "Must not be negative").optional(),
      /** @default 1 */
      failed: countSchema.min(1, "Must be at least 1: of a failed run that is not kept, nobody can see why").optional(),
    })
    .optional(),
};

/** How the pods of a service run. */
export type Kind = NonNullable<z.infer<typeof kindSettings.kind>>;

/** Whether its pods come to an end by themselves. */
export function runsToCompletion({ kind }: { readonly kind?: Kind | undefined }): boolean {
  return kind === "cron" || kind === "job";
}

/** How long an update waits for a run: as long as it may take, and without a deadline an hour. It goes on after that. */
export function runSeconds({ activeDeadlineSeconds = 3600 }: { activeDeadlineSeconds?: number | undefined }): number {
  return activeDeadlineSeconds + 60;
}

function refusing(problemOf: (text: string) => string | undefined) {
  return (text: string, context: z.RefinementCtx<string>): void => {
    const message = problemOf(text);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  };
}
