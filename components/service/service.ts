import { posix } from "node:path";
import { z } from "zod";
import { nameProblem, peerVariable } from "../../core/names.ts";
import { kubernetesInt, schemaFaults, variable as variableSchema, type SchemaFault } from "../../core/problem.ts";
import { buildSchema, platformsSchema } from "./build-settings.ts";
import { exposeSchema } from "./exposure.ts";
import { peersSchema, type Peers } from "./peer-settings.ts";
import { containerKeys } from "./container.ts";
import { filesSchema, type MountedFiles } from "./files.ts";
import { scratchSchema } from "./mounts.ts";
import { portSchema, portsLayerSchema, portsSchema } from "./ports.ts";
import { probesSchema } from "./probes.ts";
import { migrationsLayerSchema, migrationsSchema } from "./migration-settings.ts";
import type { OwnObject } from "./own-objects.ts";
import { patchesSchema, type LocatedPatch } from "./patches.ts";
import { resourcesSchema } from "./resources.ts";
import { rolloutSchema } from "./rollout-settings.ts";
import { testSchema } from "./test-settings.ts";
import { kindSettings } from "./kind.ts";
import { serviceVerifySchema } from "./verify-settings.ts";
import { volumesLayerSchema, volumesSchema } from "./volumes.ts";

const globSchema = z
  .string()
  .refine(isFromRoot, "Must be a glob from the root of the monorepo, such as proto/**, and without '.' and '..'")
  .refine(
    (pattern) => !pattern.startsWith("!"),
    "Must not begin with '!': a glob says what the service is made of, and none takes anything out again",
  )
  .refine(hasOrderedRanges, "Has a range in [] that ends before it begins; turn it round");

const secretHint = "Must be the name of a secret of the stack";
const secretNameSchema = z.string(secretHint).min(1, secretHint);

const percentHint = "Must be 1 to 100, in percent of the CPU that a pod asks for";

const pathSchema = (example: string): z.ZodString =>
  z
    .string(`Must be a path from the root of the monorepo, such as ${example}`)
    .refine(isPathInside, `Must be a path from the root of the monorepo, such as ${example}, and not lead out of it`);

const autoscalingSchema = z.strictObject({
  min: kubernetesInt().min(1, "Must be at least 1"),
  max: kubernetesInt().min(1, "Must be at least 1"),
  /** Percent of the requested CPU. @default 80 */
  cpu: z.int("Must be a whole number").min(1, percentHint).max(100, percentHint).optional(),
});

const usedDependencySchema = z.strictObject({ address: variableSchema, password: variableSchema.optional() });

/** All that is said of a service, in `service.yaml` beside its Dockerfile, and in `defaults` and `services` of the stack file. */
export const serviceSettingsSchema = z.strictObject({
  /** What it is called. @default its key in `services` of the stack file, else its directory: `link_service` is `link` */
  name: z
    .string("Must be the name of the service")
    .refine(isName, "Must be lower case letters, digits and '-', starting with a letter")
    .optional(),
  /** The Dockerfile of its image, from the root of the monorepo. @default `Dockerfile` in its directory */
  dockerfile: pathSchema("docker/web.Dockerfile").optional(),
  /** What the build of its image sees, from the root of the monorepo; `.` is all of it. @default as `images.context` says */
  context: pathSchema("web").optional(),
  /** The stage of the Dockerfile that is its image. @default the last one */
  target: z
    .string("Must be the name of a stage")
    .regex(/^[A-Za-z0-9][\w.-]*$/, "Is not the name of a stage")
    .optional(),
  /** Values for what its Dockerfile declares by `ARG`. Whoever has the image can read them. */
  buildArgs: z.record(variableSchema, z.string("Must be a string; quote it")).optional(),
  /** What its image runs on; several make it an index with one image for each. @default as `images.platforms` says */
  platforms: platformsSchema.optional(),
  ...kindSettings,
  /** The TCP port it listens on, short for `ports: {http: …}`. @default the first EXPOSE of its Dockerfile */
  port: portSchema.optional(),
  /** The ports it listens on, by their names. A later layer's `port` or `ports` takes the place of an earlier one's other. */
  ports: portsSchema.optional(),
  /** How many pods run; with `autoscaling`, to begin with, within its limits. @default 1, or the autoscaler's `min` */
  replicas: kubernetesInt().min(0, "Must not be negative").optional(),
  /** Pods follow the load. @default off */
  autoscaling: autoscalingSchema.refine(({ min, max }) => min <= max, "Autoscaling needs min <= max").optional(),
  /** How a new image takes the place of the one before, where Argo Rollouts does it. @default pod by pod, as a Deployment does */
  rollout: rolloutSchema.optional(),
  /** What one pod asks for and may use. @default requests 10m CPU and 32Mi, limit 128Mi; a default follows what is set beside it */
  resources: resourcesSchema.optional(),
  /** Volumes that keep its data, by name. */
  volumes: volumesSchema.optional(),
  /** Plain environment variables. */
  env: z.record(variableSchema, z.string("Must be a string; quote it")).optional(),
  /** Environment variable → name of a secret in the stack's `secrets`. */
  secrets: z.record(variableSchema, secretNameSchema).optional(),
  /** The services it calls: each is found at `<PEER>_URL`, or in the variables named here, and the network policies let it through. */
  peers: peersSchema.optional(),
  /** Databases and caches, by their names in the stack's `dependencies`, and the variables that say where they are. */
  dependencies: z.record(z.string(), usedDependencySchema).optional(),
  /** How Kubernetes asks whether it has started, lives and is ready. */
  probes: probesSchema.optional(),
  /** Reachable from outside at `<service>.<domain>` of the stack's gateway or ingress, or at the host given. @default false */
  expose: exposeSchema.optional(),
  /** Where it may connect to beyond its peers and dependencies, e.g. `{cidr: 0.0.0.0/0, port: 443}`. */
  egress: z
    .array(z.strictObject({ cidr: z.cidrv4("Must be an IPv4 range such as 10.0.0.0/8"), port: portSchema }))
    .optional(),
  /** Files elsewhere in the monorepo that it is made of, as globs from its root, beyond all that is found without them. */
  paths: z.array(globSchema).optional(),
  /**
   * Of what its Dockerfile takes along from elsewhere without naming it, such as `COPY . .`, only this counts, as globs from the
   * root of the monorepo. What its code imports counts all the same. @default all of it
   */
  only: z.array(globSchema).optional(),
  /** Changes of its Kubernetes objects that no setting makes, after all others; those of `defaults` and of `services` are made, too. */
  patches: patchesSchema.optional(),
  /** Kubernetes objects that it brings along: files of manifests, as globs from the root of the monorepo. */
  manifests: z.array(globSchema, "Must be a list of globs").optional(),
  /** How its image is built, beyond its Dockerfile. */
  build: buildSchema.optional(),
  /** How CI tests it; `none`: not at all, which is said wherever its tests would be. */
  test: testSchema.optional(),
  ...containerKeys,
  /** Directories that it writes to beside `/tmp`, each an empty one at every start. */
  scratch: scratchSchema.optional(),
  /** Files in its container: path there → `{content}`, `{file}` of the monorepo or `{secret}` of the stack. */
  files: filesSchema.optional(),
  /** What must have succeeded with an image before pods run it. @default nothing */
  migrations: migrationsSchema.optional(),
  /** What an image has to prove after its release, in environments with `verify`; `none`: nothing. @default as the environment says */
  verify: serviceVerifySchema.optional(),
});
export type ServiceSettings = z.infer<typeof serviceSettingsSchema>;

/** What one of these files may say of it: of what has several parts, another one may say the rest. */
export const settingsLayerSchema = serviceSettingsSchema.extend({
  ports: portsLayerSchema.optional(),
  autoscaling: autoscalingSchema.partial().optional(),
  volumes: volumesLayerSchema.optional(),
  dependencies: z.record(z.string(), usedDependencySchema.partial()).optional(),
  migrations: migrationsLayerSchema.optional(),
});
export type SettingsLayer = z.infer<typeof settingsLayerSchema>;

/**
 * The settings of all layers as those of a service.
 * @returns also what they lack; what that is part of is left out
 */
export function completeSettings(merged: SettingsLayer): { settings: ServiceSettings; faults: SchemaFault[] } {
  const parsed = serviceSettingsSchema.safeParse(merged);
  if (parsed.success) return { settings: parsed.data, faults: [] };
  const faults = schemaFaults(parsed.error, merged);
  const faulty = new Set(faults.map(({ path: [key] }) => key));
  const rest = Object.entries(merged).filter(([key]) => !faulty.has(key));
  return { settings: serviceSettingsSchema.parse(Object.fromEntries(rest)), faults };
}

/** One service of the monorepo with everything that is known of it. */
export interface Service extends ServiceSettings {
  readonly name: string;
  /** Its directory, relative to the program, e.g. `examples/delinkcious/svc/link_service`. */
  readonly directory: string;
  /** The primary one of its ports; `undefined`: nobody reaches it. */
  readonly port: number | undefined;
  /** Whether a cron does not run by itself: in the environments of pull requests. @default false */
  readonly suspended?: boolean;
  /** What is in its `files`, by their paths in its container. */
  readonly mountedFiles?: MountedFiles | undefined;
  /** Its Dockerfile, relative to the program. */
  readonly dockerfile: string;
  /** The directory that its build sees, relative to the program. */
  readonly context: string;
  /** Those of all files that speak of it, in the order in which they are made. @default none */
  readonly allPatches?: readonly LocatedPatch[] | undefined;
  /** What `manifests` means. @default nothing */
  readonly ownObjects?: readonly OwnObject[] | undefined;
}

/**
 * Later settings win; maps are merged key by key, lists are replaced, and so is what is one thing, such as a probe. A map of
 * peers adds to an earlier list of them.
 */
export function mergeSettings(...layers: readonly SettingsLayer[]): SettingsLayer {
  return layers.reduce<SettingsLayer>((merged, layer) => {
    const { port, ports, env, secrets, peers, ...rest } = merged;
    const kept = {
      ...rest,
      ...(layer.ports === undefined ? { port } : {}),
      ...(layer.port === undefined ? { ports } : {}),
      ...(env === undefined ? {} : { env: without(env, layer.secrets) }),
      ...(secrets === undefined ? {} : { secrets: without(secrets, layer.env) }),
      ...(peers === undefined ? {} : { peers: Array.isArray(layer.peers) ? peers : namedPeers(peers, layer.peers) }),
    };
    return mergeMaps(kept, { ...layer }, []);
  }, {});
}

/** A variable of a later layer takes the place of an earlier one, and of them one may be a secret. */
function without(earlier: Readonly<Record<string, string>>, later: object = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(earlier).filter(([variable]) => !Object.hasOwn(later, variable)));
}

/** The peers of a list by their variables, where a later layer adds some by name. */
function namedPeers(peers: Peers, later: Peers | undefined): Peers {
  if (!Array.isArray(peers) || later === undefined) return peers;
  return Object.fromEntries(peers.map((peer) => [peer, peerVariable(peer)]));
}

/** Maps of which one key makes no sense beside another: `*` stands for any key. */
const units = ["probes.*", "files.*", "preStop"];

function mergeMaps(
  base: Record<string, unknown>,
  over: Record<string, unknown>,
  path: readonly string[],
): Record<string, unknown> {
  const merged = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const before = merged[key];
    const isUnit =
      units.includes([...path, key].join(".")) ||
      units.includes([...path, "*"].join(".")) ||
      isOtherStrategy(before, value);
    merged[key] = !isUnit && isPlainMap(before) && isPlainMap(value) ? mergeMaps(before, value, [...path, key]) : value;
  }
  return merged;
}

/** What one strategy of a rollout says, another one does not know. */
function isOtherStrategy(before: unknown, after: unknown): boolean {
  return (
    isPlainMap(before) &&
    isPlainMap(after) &&
    before["strategy"] !== undefined &&
    after["strategy"] !== undefined &&
    before["strategy"] !== after["strategy"]
  );
}

function isPlainMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isName(name: string): boolean {
  return nameProblem(name) === undefined;
}

function isPathInside(path: string): boolean {
  return path !== "" && !posix.isAbsolute(path) && !path.split("/").includes("..");
}

/** What leads out of the monorepo, or to itself, is the path of no changed file. */
function isFromRoot(pattern: string): boolean {
  const path = pattern.replace(/^\.\//, "");
  return /^[^/]/.test(path) && path.split(/[/{},]/).every((part) => part !== "." && part !== "..");
}

/** Of the choices in a glob, `[a-z]` is in order and `[z-a]` is not. */
function hasOrderedRanges(pattern: string): boolean {
  return [...pattern.matchAll(/\[!?([^\]]+)\]/g)].every(([, choice = ""]) =>
    [...choice.matchAll(/(.)-(.)/g)].every(([, first = "", last = ""]) => first <= last),
  );
}
