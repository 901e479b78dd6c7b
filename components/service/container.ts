import { z } from "zod";
import { kubernetesInt, type Problem } from "../../core/problem.ts";

const asList = (what: string): string =>
  `Must be a list, with each ${what} as an item; where the image has a shell, [sh, -c, "…"] runs a line`;

/** A program and its arguments: no shell takes a line apart, which many images do not have. */
export const commandLineSchema = z
  .array(z.string("Must be a string; quote it"), asList("word"))
  .refine(([program]) => program !== undefined && program !== "", "Must name a program");

/** What the API server lets a pod with Pod Security `baseline` add. Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
const capabilities = [
  "AUDIT_WRITE",
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "MKNOD",
  "NET_BIND_SERVICE",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
] as const;

/** The numeric user of a container. Source: `runAsUser`, https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ */
export const userSchema = kubernetesInt("Must be a numeric user").min(
  1,
  "Pods do not run as root; choose a user above 0",
);

/** How long Kubernetes waits for a container to end before it kills it, in seconds. */
const defaultGraceSeconds = 30;

/** How the container of a service is started and ended, as settings of the service. */
export const containerKeys = {
  /** What runs in place of the image's ENTRYPOINT; its CMD does not count then. @default the image's */
  command: commandLineSchema.optional(),
  /** What runs in place of the image's CMD: arguments of `command`, or of the ENTRYPOINT. @default the image's */
  args: z.array(z.string("Must be a string; quote it"), asList("argument")).optional(),
  /** The numeric user its container runs as. @default 65532 */
  user: userSchema.optional(),
  /**
   * Rights of root that its programs may take on, where the image gives them that: by a set-user-ID bit or by `setcap`. The
   * namespace then enforces Pod Security `baseline` and no longer `restricted`. @default none
   */
  capabilities: z
    .array(
      z.enum(capabilities, `Must be one of those that Pod Security \`baseline\` allows: ${capabilities.join(", ")}`),
      "Must be a list of capabilities",
    )
    .optional(),
  /** How long it may take to end after SIGTERM, `preStop` included, before it is killed. @default 30 */
  terminationGracePeriodSeconds: z
    .int("Must be a whole number of seconds")
    .min(1, "Must be at least 1")
    .max(86_400, "Is more than a day; no rollout waits that long")
    .optional(),
  /** What goes before SIGTERM: a pause while requests still arrive, or a command in the container. @default nothing */
  preStop: z
    .strictObject(
      {
        sleep: z.int("Must be a whole number of seconds").min(1, "Must be at least 1").exactOptional(),
        exec: commandLineSchema.exactOptional(),
      },
      "Must be {sleep} in seconds, or {exec} with a command",
    )
    .refine(({ sleep, exec }) => (sleep === undefined) !== (exec === undefined), "Must have either sleep or exec")
    .optional(),
};

interface Stopping {
  readonly terminationGracePeriodSeconds?: number | undefined;
  readonly preStop?: { readonly sleep?: number; readonly exec?: readonly string[] } | undefined;
}

/** How long a container may take to end, in seconds. */
export function graceSeconds({ terminationGracePeriodSeconds = defaultGraceSeconds }: Stopping): number {
  return terminationGracePeriodSeconds;
}

/** @param origin where a setting stands */
export function stoppingProblems(settings: Stopping, origin: (...path: readonly string[]) => string): Problem[] {
  const sleep = settings.preStop?.sleep;
  const grace = graceSeconds(settings);
  if (sleep === undefined || sleep < grace) return [];
  const set =
    settings.terminationGracePeriodSeconds === undefined
      ? `the default of terminationGracePeriodSeconds, ${grace}`
      : `the ${grace} of ${origin("terminationGracePeriodSeconds")}`;
  const message = `${sleep} leaves nothing of ${set}: its program would be killed without having been asked to end; lower it, or raise that`;
  return [{ location: origin("preStop", "sleep"), message }];
}
