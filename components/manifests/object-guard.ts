import { isDeepStrictEqual } from "node:util";
import { normalImageName, repositoryOfReference } from "../../core/image-name.ts";
import { valueAt, type JsonMap } from "../../kubernetes/json.ts";
import { kindOf, labelsAt, listAt, mapAt, numberAt, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import { containersOf, podTemplateOf } from "../../kubernetes/pod-template.ts";

export interface GuardArgs {
  /** The labels by which the service's objects and pods are found. */
  readonly labels: Readonly<Record<string, string>>;
  /** The repository of its images. */
  readonly repository: string;
}

const selection = "pods are found by it, and most selectors cannot be changed";
const otherObject = "another kind is another object; take that along by `manifests`";

/** What stays as it is whatever a patch says, and why. */
interface Fixture {
  readonly path: readonly string[];
  readonly reason: string;
  /** @default objects of all kinds */
  readonly kind?: string;
}

const written = "the cluster writes it, and takes it from nobody else";
const restarted =
  "pods would go on with the former content; say it by `env` or `files` of the service, which restarts them";

const identity: readonly Fixture[] = [
  { path: ["status"], reason: written },
  { path: ["apiVersion"], reason: otherObject },
  { path: ["kind"], reason: otherObject },
  { path: ["metadata", "name"], reason: "services, policies and this program find it by its name" },
  { path: ["metadata", "namespace"], reason: "an environment has one namespace" },
];

const fixtures: readonly Fixture[] = [
  ...identity,
  { path: ["spec", "selector"], reason: selection },
  { path: ["spec", "podSelector"], reason: selection },
  { path: ["spec", "scaleTargetRef"], reason: "the autoscaler is the service's own" },
  { path: ["spec", "replicas"], reason: "`replicas` and `autoscaling` of the service say it" },
  { path: ["data"], reason: restarted, kind: "ConfigMap" },
  { path: ["binaryData"], reason: restarted, kind: "ConfigMap" },
];

/**
 * What a patch of an object that the program makes must not touch, since other parts rely on it.
 * @returns what it has touched, each as part of a message that names the patch
 */
export function brokenByPatch(before: KubernetesObject, after: KubernetesObject, args: GuardArgs): string[] {
  return [
    ...changedFixtures(fixtures, before, after),
    ...brokenLabels("metadata.labels", labelsAt(after), args),
    ...brokenPods(podTemplateOf(before), podTemplateOf(after), args),
    ...(kindOf(before).kind === "Service" ? brokenPorts(before, after) : []),
  ];
}

/** The same for an object that a service brings along, of which everything else is its own. */
export function brokenIdentity(before: KubernetesObject, after: KubernetesObject): string[] {
  return changedFixtures(identity, before, after);
}

function changedFixtures(all: readonly Fixture[], before: KubernetesObject, after: KubernetesObject): string[] {
  return all
    .filter(({ kind }) => kind === undefined || kind === kindOf(before).kind)
    .filter(({ path }) => !isDeepStrictEqual(valueAt(before, ...path), valueAt(after, ...path)))
    .map(({ path, reason }) => `${path.join(".")} must stay ${shown(valueAt(before, ...path))}: ${reason}`);
}

function brokenLabels(path: string, after: JsonMap, { labels }: GuardArgs): string[] {
  return Object.entries(labels)
    .filter(([key, value]) => after[key] !== value)
    .map(([key, value]) => `${path}: ${key} must stay ${shown(value)}: selectors, policies and the status go by it`);
}

function brokenPods(before: JsonMap | undefined, after: JsonMap | undefined, args: GuardArgs): string[] {
  if (before === undefined || after === undefined) return [];
  const marks = Object.entries(mapAt(before, "metadata", "annotations")).filter(([key]) => key.startsWith("delivery/"));
  const annotations = mapAt(after, "metadata", "annotations");
  const own = containersOf(before);
  const all = containersOf(after);
  return [
    ...brokenLabels("labels of the pods", labelsAt(after), args),
    ...marks
      .filter(([key, value]) => annotations[key] !== value)
      .map(([key]) => `annotation ${key} of the pods must stay: it restarts them when their settings change`),
    ...own.flatMap((container) => brokenContainer(container, all)),
    ...all
      .filter((container) => !own.some((other) => nameIn(other) === nameIn(container)))
      .filter((container) => isOfRepository(stringAt(container, "image") ?? "", args.repository))
      .map(
        (container) =>
          `container ${nameIn(container)} has the service's own image; leave \`image\` out, and it runs the release`,
      ),
  ];
}

function brokenContainer(before: JsonMap, after: readonly JsonMap[]): string[] {
  const name = nameIn(before);
  const now = after.find((container) => nameIn(container) === name);
  if (now === undefined) return [`container ${name} must stay: other parts rely on it`];
  const image =
    now["image"] === before["image"]
      ? []
      : [`image of container ${name} must stay: the release record says by digest which one runs`];
  const ports = lostPorts(listAt(before, "ports"), listAt(now, "ports"));
  return [
    ...image,
    ...ports.map(
      (port) => `port ${numberAt(port, "containerPort")} of container ${name} must stay: the service's settings say it`,
    ),
  ];
}

function brokenPorts(before: KubernetesObject, after: KubernetesObject): string[] {
  return lostPorts(listAt(before, "spec", "ports"), listAt(after, "spec", "ports")).map(
    (port) => `port ${numberAt(port, "port")} must stay as it is: peers call it there`,
  );
}

/** Those of which something is gone or other; more may have been added. */
function lostPorts(before: readonly JsonMap[], after: readonly JsonMap[]): JsonMap[] {
  const keeps = (port: JsonMap) => (other: JsonMap) =>
    Object.entries(port).every(([key, value]) => isDeepStrictEqual(other[key], value));
  return before.filter((port) => !after.some(keeps(port)));
}

/** Whether an image is of a repository, however both are spelled: a release record would put a digest into it, or would not. */
function isOfRepository(image: string, repository: string): boolean {
  const name = normalImageName(repositoryOfReference(image));
  return name !== undefined && name === normalImageName(repository);
}

function nameIn(container: JsonMap): string {
  return stringAt(container, "name") ?? "";
}

function shown(value: unknown): string {
  return value === undefined ? "absent" : JSON.stringify(value);
}
