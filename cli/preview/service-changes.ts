import { shortCommit } from "../../git/records.ts";
import { secretWord } from "../../core/secret-mask.ts";
import { manifestChanges, type Manifests } from "./manifest-diff.ts";
import type { ServiceChange } from "./model.ts";
import {
  differences,
  isMap,
  kindOf,
  shown,
  unknownWord,
  valueAt,
  type Difference,
  type Step,
  type Value,
} from "./step.ts";

/** What is known of images from outside of the stack, where Git says what runs. */
export interface ImageStatus {
  /** What the release records say runs: digest by service. @default not known */
  readonly released?: ReadonlyMap<string, string>;
  /** The services whose source changes, and the commit that their next images are made from. @default not known */
  readonly rebuilt?: { readonly services: ReadonlySet<string>; readonly commit: string };
}

interface ServiceChanges {
  readonly changed: readonly ServiceChange[];
  readonly unchanged: readonly string[];
  /** Those whose images the update builds without releasing them: with Argo CD what is in Git runs. */
  readonly builds: readonly string[];
  /** The URNs of the resources whose changes these lines report. */
  readonly reported: ReadonlySet<string>;
}

/** In place of an image that is not there, or that is not known. */
const noImage = "–";
const unknownImage = "not known";

const imageType = "delivery:images:ServiceImage";

/** A service, and whether the stack has it before and after the update. */
interface DeclaredService {
  readonly name: string;
  readonly before: boolean;
  readonly after: boolean;
}

/** What changes of each service: its image, and what its objects on the cluster are to be. */
export function serviceChanges(
  steps: readonly Step[],
  changed: readonly Step[],
  manifests: Manifests,
  images: ImageStatus,
): ServiceChanges {
  const all = declaredServices(steps);
  const names = all.map(({ name }) => name);
  const own = partsByService(changed);
  const kept = partsByService(steps);
  const changes = all.flatMap(
    (service) => changeOf(service, { all: kept(service.name), changed: own(service.name) }, manifests, images) ?? [],
  );
  const moved = new Set(changes.map(({ name }) => name));
  const isBuilt = ({ type, action }: Step): boolean => type.startsWith("docker:") && action === "update";
  return {
    changed: changes,
    unchanged: names.filter((name) => !moved.has(name)),
    builds: manifests.directory === "" ? [] : names.filter((name) => own(name).some(isBuilt)),
    reported: new Set(names.flatMap((name) => own(name).map(({ urn }) => urn))),
  };
}

/** The arguments of the component that holds all images name the services; a state may have one for each service instead. */
function declaredServices(steps: readonly Step[]): DeclaredService[] {
  const images = steps.filter(({ type }) => type === imageType);
  const namesIn = (step: Step, inputs: Value | undefined): string[] => {
    const repositories = isMap(inputs) ? inputs["repositories"] : undefined;
    if (isMap(repositories)) return Object.keys(repositories);
    return isMap(inputs) && "repository" in inputs ? [step.name] : [];
  };
  const before = new Set(images.flatMap((step) => namesIn(step, step.before)));
  const after = new Set(images.flatMap((step) => namesIn(step, step.after)));
  return [...new Set([...before, ...after])]
    .toSorted()
    .map((name) => ({ name, before: before.has(name), after: after.has(name) }));
}

/** The resources that are parts of a service: all of them have its name, or one that begins with it and what is in no name. */
function partsByService(steps: readonly Step[]): (service: string) => readonly Step[] {
  const parts = Map.groupBy(
    steps.filter(({ ancestors }) =>
      ancestors.some((type) => type === "delivery:cluster:Workload" || type === imageType),
    ),
    ({ name }) => name.replace(/[.:].*$/, ""),
  );
  return (service) => parts.get(service) ?? [];
}

function changeOf(
  service: DeclaredService,
  parts: { readonly all: readonly Step[]; readonly changed: readonly Step[] },
  manifests: Manifests,
  images: ImageStatus,
): ServiceChange | undefined {
  const { name } = service;
  const state = !service.before ? "new" : !service.after ? "removed" : "changed";
  const objects = [
    ...parts.changed.filter(({ type }) => type.startsWith("kubernetes:")).map((one) => ({ ...one, kind: kindOf(one) })),
    ...manifestChanges(manifests, name),
  ];
  // With Argo CD the image in Git runs, whatever this program builds.
  const image = manifests.directory === "" ? imageOf(service, parts) : imageInGit(service, images);
  const described =
    state === "changed" ? objects.flatMap(({ kind, before, after }) => describeChange(kind, before, after)) : [];
  // The column of images shows it.
  const changes = [...new Set(described)].filter((phrase) => phrase !== "image");
  const moved = image !== undefined && image.before !== image.after;
  if (state === "changed" && changes.length === 0 && !moved) return undefined;
  return { name, state, ...(image === undefined ? {} : { image }), changes };
}

function imageInGit({ name, after }: DeclaredService, { released, rebuilt }: ImageStatus): ServiceChange["image"] {
  const digest = released?.get(name);
  const before = released === undefined ? unknownImage : digest === undefined ? noImage : shortImage(digest);
  if (!after) return before === unknownImage ? undefined : { before, after: noImage };
  if (rebuilt?.services.has(name) === true) return { before, after: `built from ${shortCommit(rebuilt.commit)}` };
  return digest === undefined ? undefined : { before, after: before };
}

function imageOf(
  service: DeclaredService,
  parts: { readonly all: readonly Step[]; readonly changed: readonly Step[] },
): ServiceChange["image"] {
  const isBuild = ({ type }: Step): boolean => type.startsWith("docker:");
  const built = parts.changed.find(isBuild);
  const deployment = parts.all.find(({ type }) => type === "kubernetes:apps/v1:Deployment");
  const before = containerImage(deployment?.before) ?? textAt(parts.all.find(isBuild)?.outputs, "repoDigest");
  const after = containerImage(deployment?.after) ?? before;
  if (!service.after) return before === undefined ? undefined : { before: shortImage(before), after: noImage };
  const next =
    built !== undefined && built.action !== "delete"
      ? "built by the update"
      : after === undefined
        ? undefined
        : shortImage(after);
  if (next === undefined && before === undefined) return undefined;
  return { before: before === undefined ? noImage : shortImage(before), after: next ?? noImage };
}

function containerImage(deployment: Value | undefined): string | undefined {
  const image = valueAt(deployment, ["spec", "template", "spec", "containers", "0", "image"]);
  return typeof image === "string" ? image : undefined;
}

function textAt(value: Value | undefined, key: string): string | undefined {
  const found = isMap(value) ? value[key] : undefined;
  return typeof found === "string" && found !== "" ? found : undefined;
}

/** The digest's first 12 digits, or the tag. */
function shortImage(image: string): string {
  if (image === unknownWord) return "known after the update";
  const digest = /sha256:([0-9a-f]{12})/.exec(image)?.[1];
  if (digest !== undefined) return digest;
  return /:([^/:]+)$/.exec(image)?.[1] ?? image;
}

/** A path in a Kubernetes object, and what a change there is called. */
interface Phrase {
  readonly path: RegExp;
  readonly text: (difference: Difference, match: RegExpExecArray) => string;
}

const transition = ({ before, after }: Difference): string => `${shown(before)} → ${shown(after)}`;
const named =
  (what: string) =>
  (difference: Difference): string =>
    `${what} ${transition(difference)}`;
const only = (what: string) => (): string => what;

const pod = String.raw`spec/template/spec`;
const container = String.raw`${pod}/containers/\d+`;

/** The first phrase that fits counts. Where none does, a change is called by its kind and path. */
const phrases: Readonly<Record<string, readonly Phrase[]>> = {
  Deployment: [
    { path: /^spec\/replicas$/, text: named("replicas") },
    { path: new RegExp(`^${container}/image$`), text: only("image") },
    {
      path: new RegExp(`^${container}/env/([^/]+)/value$`),
      text: (change, [, name]) => `env ${name} ${transition(change)}`,
    },
    {
      path: new RegExp(`^${container}/env/([^/]+)`),
      text: (change, [, name]) => presence("env", name ?? "", change),
    },
    { path: new RegExp(`^${container}/ports`), text: only("ports") },
    {
      path: new RegExp(`^${container}/resources/(requests|limits)/(.+)$`),
      text: (change, [, side, resource]) =>
        `${resource} ${side === "limits" ? "limit" : "request"} ${transition(change)}`,
    },
    { path: new RegExp(`^${container}/resources`), text: only("resources") },
    { path: new RegExp(`^${container}/(\\w+)Probe`), text: (_change, [, probe]) => `${probe} probe` },
    { path: new RegExp(`^${container}/(command|args)`), text: (_change, [, name]) => name ?? "" },
    { path: new RegExp(`^${container}/lifecycle`), text: only("what goes before the end of a pod") },
    { path: new RegExp(`^${pod}/terminationGracePeriodSeconds$`), text: named("seconds to end in") },
    { path: new RegExp(`^${container}/envFrom`), text: only("where its environment comes from") },
    { path: new RegExp(`securityContext`), text: only("security context") },
    { path: new RegExp(`(volumes|volumeMounts)`), text: only("volumes") },
    {
      path: /^spec\/template\/metadata\/annotations\/delivery\/secrets-generation$/,
      text: only("pods restart with the changed secrets"),
    },
    { path: /^spec\/template\/metadata\/annotations/, text: only("pods restart") },
    { path: /^spec\/strategy/, text: only("rollout strategy") },
  ],
  ConfigMap: [
    // A file's key begins as no variable does.
    {
      path: /^(?:data|binaryData)\/[0-9a-f]{8}-(.+)$/,
      text: (change, [, name]) => presence("file", name ?? "", change),
    },
    { path: /^(?:data|binaryData)$/, text: only("files") },
    { path: /^data\/(.+)$/, text: (change, [, name]) => `env ${name} ${transition(change)}` },
  ],
  Service: [{ path: /^spec\/ports/, text: only("Service ports") }],
  HorizontalPodAutoscaler: [
    { path: /^spec\/(min|max)Replicas$/, text: (change, [, side]) => `${side} replicas ${transition(change)}` },
  ],
  NetworkPolicy: [{ path: /^spec\/(ingress|egress)/, text: only("who may call it, or whom it calls") }],
};

/** Phrases for objects of any kind. */
const common: readonly Phrase[] = [
  { path: /^metadata\/namespace$/, text: named("namespace") },
  { path: /^metadata\/(labels|annotations)/, text: (_change, [, what]) => what ?? "" },
];

/** What changes of a Kubernetes object, in words; each change once. */
function describeChange(kind: string, before: Value | undefined, after: Value | undefined): string[] {
  if (before === undefined && after === undefined) return [];
  if (before === undefined) return [`new ${kind}`];
  if (after === undefined) return [`no ${kind} any more`];
  const found = differences(byName(before), byName(after)).map((difference) => describeDifference(kind, difference));
  return [...new Set(found)];
}

function describeDifference(kind: string, difference: Difference): string {
  const path = difference.path.join("/");
  for (const phrase of [...(phrases[kind] ?? []), ...common]) {
    const match = phrase.path.exec(path);
    if (match !== null) return phrase.text(difference, match);
  }
  const secret = difference.before === secretWord || difference.after === secretWord;
  return `${kind} ${difference.path.join(".")}${secret ? " (secret)" : ""}`;
}

function presence(what: string, name: string, { before, after }: Difference): string {
  if (before === undefined) return `new ${what} ${name}`;
  return after === undefined ? `no ${what} ${name} any more` : `${what} ${name}`;
}

/** Lists of variables as maps by name, so that one more at the front does not change all others. Other lists stay lists. */
function byName(value: Value, key = ""): Value {
  if (Array.isArray(value)) {
    const names = value.map((item) => valueAt(item, ["name"]));
    const unique = new Set(names).size === names.length && names.every((name) => typeof name === "string");
    if (!unique || key !== "env") return value.map((item) => byName(item));
    return Object.fromEntries(value.map((item, index) => [String(names[index]), byName(item)]));
  }
  return isMap(value)
    ? Object.fromEntries(Object.entries(value).map(([name, item]) => [name, byName(item, name)]))
    : value;
}
