import type { types } from "@pulumi/kubernetes";
import { z } from "zod";
import { kubernetesInt } from "../../core/problem.ts";
import { commandLineSchema } from "./container.ts";
import { primaryPort, type NamedPort } from "./ports.ts";

const form = "a path such as /healthz, tcp, grpc or none, or {path}, {tcp}, {grpc} or {exec}";
const seconds = kubernetesInt("Must be a whole number of seconds").min(1, "Must be at least 1");
const portName = z.string("Must be the name of a port");
const shortSchema = z.string(`Must be ${form}`).regex(/^(\/\S*|tcp|grpc|none)$/, `Must be ${form}`);

const checkKeys = {
  /** A path that answers 200 to 399 over HTTP. */
  path: z
    .string("Must be a path such as /healthz")
    .regex(/^\/\S*$/, "Must be a path such as /healthz")
    .exactOptional(),
  /** With `path`: the name of its port. @default `http`, or the first over TCP */
  port: portName.exactOptional(),
  /** The name of a port that takes connections. */
  tcp: portName.exactOptional(),
  /** The name of a port that answers gRPC's health protocol. */
  grpc: portName.exactOptional(),
  /** With `grpc`: the service that is asked for. @default the server as a whole */
  service: z.string("Must be the name of a gRPC service").min(1, "Must not be empty").exactOptional(),
  /** A command in the container that ends with 0. */
  exec: commandLineSchema.exactOptional(),
  /** How long an answer may take. @default 1, a command 5 */
  timeoutSeconds: seconds.exactOptional(),
};
const methods = ["path", "tcp", "grpc", "exec"] as const;

const probeSchema = z.union(
  [
    shortSchema,
    z
      .strictObject({
        ...checkKeys,
        /** How often it is asked. @default liveness 10, readiness 5 */
        periodSeconds: seconds.exactOptional(),
        /** After how many failures in a row it counts. @default liveness 6, readiness 3 */
        failureThreshold: kubernetesInt().min(1, "Must be at least 1").exactOptional(),
      })
      .superRefine((check, context) => assertConsistent(check, context)),
  ],
  `Must be ${form}`,
);

/** How long a service may take to start. */
const defaultStartSeconds = 60;

const startupSchema = z.union(
  [
    shortSchema,
    z
      .strictObject({
        ...checkKeys,
        /** How long a pod may take to start before its container is started again. @default 60 */
        seconds: seconds.max(3600, "Is more than an hour; no rollout waits that long").exactOptional(),
      })
      .superRefine((check, context) => {
        if (isCheck(check) || check.seconds === undefined) assertConsistent(check, context);
      }),
  ],
  `Must be ${form}, or {seconds}`,
);

/** How Kubernetes asks whether a service has started, lives, and is ready for requests. */
export const probesSchema = z.strictObject({
  /** A container that fails it is started again. @default tcp; of a worker none */
  liveness: probeSchema.optional(),
  /** A pod that fails it gets no requests. @default tcp; of a worker none */
  readiness: probeSchema.optional(),
  /** The others wait until it has succeeded once. @default what `liveness` asks, for 60 seconds */
  startup: startupSchema.optional(),
});
export type ProbeSettings = z.infer<typeof probesSchema>;
type ProbeName = keyof ProbeSettings;
type CheckSettings = Partial<Record<(typeof methods)[number] | "port" | "service", unknown>>;

function isCheck(check: CheckSettings): boolean {
  return methods.some((method) => check[method] !== undefined);
}

/** What a check asks is one thing, and what goes with another has no effect. */
function assertConsistent(check: CheckSettings, context: z.RefinementCtx): void {
  const issue = (message: string, ...path: string[]): void => context.addIssue({ code: "custom", path, message });
  if (methods.filter((method) => check[method] !== undefined).length !== 1)
    issue("Must have exactly one of path, tcp, grpc and exec");
  if (check.port !== undefined && check.path === undefined) issue("Has an effect beside `path` only", "port");
  if (check.service !== undefined && check.grpc === undefined) issue("Has an effect beside `grpc` only", "service");
}

type Handler = Pick<types.input.core.v1.Probe, "httpGet" | "tcpSocket" | "grpc" | "exec">;
type Setting = NonNullable<ProbeSettings[ProbeName]>;

/** How a setting is asked at these ports; `undefined`: not at all; or why it cannot be. */
function handlerOf(setting: Setting, ports: readonly NamedPort[]): Handler | { problem: string } | undefined {
  if (setting === "none") return undefined;
  const check = typeof setting === "string" ? expanded(setting, ports) : setting;
  if (check.exec !== undefined) return { exec: { command: [...check.exec] } };
  const named = check.port ?? check.tcp ?? check.grpc;
  const port = named === undefined ? portForPaths(ports) : ports.find(({ name }) => name === named);
  if (port === undefined)
    return {
      problem: `${JSON.stringify(named)} is none of its ports; it has ${ports.map(({ name }) => name).join(", ")}`,
    };
  if (port.protocol === "UDP")
    return {
      problem: `its port ${port.name} is over UDP, which does not tell whether anything listens; name another, or ask by {exec}`,
    };
  if (check.path !== undefined) {
    if (port.protocol === "gRPC")
      return {
        problem: `its port ${port.name} speaks gRPC, at which no path is asked for; write grpc, or name another port`,
      };
    return { httpGet: { path: check.path, port: port.name } };
  }
  if (check.tcp !== undefined) return { tcpSocket: { port: port.name } };
  // Of gRPC alone, Kubernetes takes no name of a port.
  return { grpc: { port: port.port, ...(check.service === undefined ? {} : { service: check.service }) } };
}

type Check = Exclude<NonNullable<ProbeSettings["liveness"]>, string>;

/** A setting in one word as if it named its port. Requires that there is one. */
function expanded(setting: string, ports: readonly NamedPort[]): Check {
  const primary = primaryPort(ports)?.name ?? "";
  if (setting === "tcp") return { tcp: primary };
  if (setting === "grpc") return { grpc: ports.find(({ protocol }) => protocol === "gRPC")?.name ?? primary };
  return { path: setting };
}

function portForPaths(ports: readonly NamedPort[]): NamedPort | undefined {
  const plain = ports.filter(({ protocol }) => protocol === "TCP");
  return primaryPort(plain) ?? primaryPort(ports);
}

/** What a service's probes ask: what is set, and what takes its place where it is not. */
function settingsOf(probes: ProbeSettings, ports: readonly NamedPort[]): Required<Record<ProbeName, Setting>> {
  const preset = ports.some(({ protocol }) => protocol !== "UDP") ? "tcp" : "none";
  const { liveness = preset, readiness = preset, startup } = probes;
  const isLimit = typeof startup === "object" && !isCheck(startup);
  // Who wants a container never to be started again does not want it while it starts either, unless a limit is set.
  const asked = startup === undefined || (isLimit && liveness !== "none") ? liveness : readiness;
  return { liveness, readiness, startup: startup === undefined || isLimit ? asked : startup };
}

type Probe = types.input.core.v1.Probe;

/** The probes of a service's container. Requires that {@link probeProblems} has none. */
export function containerProbes(
  probes: ProbeSettings = {},
  ports: readonly NamedPort[],
): { startupProbe?: Probe; livenessProbe?: Probe; readinessProbe?: Probe } {
  const { liveness, readiness, startup } = settingsOf(probes, ports);
  const ask = (setting: Setting, timing: Setting | undefined = setting): Probe | undefined => {
    const handler = handlerOf(setting, ports);
    if (handler === undefined || "problem" in handler) return undefined;
    // A command takes its time: with the API's default of one second, those of most languages fail under load.
    const { timeoutSeconds = handler.exec && 5 } = typeof timing === "string" ? {} : timing;
    return { ...handler, ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }) };
  };
  const [starts, lives, isReady] = [ask(startup, probes.startup), ask(liveness), ask(readiness)];
  return {
    // Every second until it is up, so that it is ready as soon as it can be; then at the pace of the others.
    ...(starts && { startupProbe: { ...starts, periodSeconds: 1, failureThreshold: startSeconds(probes) } }),
    ...(lives && { livenessProbe: { ...lives, periodSeconds: 10, failureThreshold: 6, ...paceOf(liveness) } }),
    ...(isReady && { readinessProbe: { ...isReady, periodSeconds: 5, ...paceOf(readiness) } }),
  };
}

function paceOf(setting: Setting): Pick<Probe, "periodSeconds" | "failureThreshold"> {
  if (typeof setting === "string") return {};
  const pace = Object.entries(setting).filter(([key]) => key === "periodSeconds" || key === "failureThreshold");
  return Object.fromEntries(pace);
}

/** How long a service may take to start, in seconds. */
export function startSeconds({ startup }: ProbeSettings = {}): number {
  return (typeof startup === "object" ? startup.seconds : undefined) ?? defaultStartSeconds;
}

/** What of a service's probes cannot be asked, by the paths of the settings below `probes`. */
export function probeProblems(
  probes: ProbeSettings,
  ports: readonly NamedPort[],
): { path: readonly string[]; message: string }[] {
  const { startup } = settingsOf(probes, ports);
  const set = (["liveness", "readiness", "startup"] as const).flatMap((name) => {
    const setting = probes[name];
    const asks = setting !== undefined && (typeof setting === "string" || isCheck(setting));
    // Without a port, that is what is wrong with those that need one.
    return asks && (ports.length > 0 || !needsPort(setting)) ? [[name, setting] as const] : [];
  });
  const impossible = set.flatMap(([name, setting]) => {
    const handler = handlerOf(setting, ports);
    return handler !== undefined && "problem" in handler ? [{ path: [name], message: handler.problem }] : [];
  });
  const isIdle = probes.startup !== "none" && probes.startup !== undefined && startup === "none";
  const message = "has no effect, since nothing is asked while it starts; give it {exec} or {path}, or set `liveness`";
  return [...impossible, ...(isIdle ? [{ path: ["startup", "seconds"], message }] : [])];
}

/** Whether a probe asks at a port. */
export function needsPort(setting: Setting): boolean {
  if (typeof setting === "string") return setting !== "none";
  return isCheck(setting) && setting.exec === undefined;
}
