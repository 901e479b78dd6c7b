import { allowedImagesName } from "../../core/names.ts";
import { secretWord } from "../../core/secret-mask.ts";
import { differences, isMap, shown, valueAt, type Difference, type Value } from "./step.ts";

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

const container = String.raw`^spec/template/spec/containers/\d+`;
const pod = String.raw`^spec/template/spec`;

/** What changes of pods, whatever makes them. */
const podPhrases: readonly Phrase[] = [
  { path: new RegExp(`${container}/image$`), text: only("image") },
  {
    path: new RegExp(`${container}/env/([^/]+)/value$`),
    text: (change, [, name]) => `env ${name} ${transition(change)}`,
  },
  {
    path: new RegExp(`${container}/env/([^/]+)`),
    text: (change, [, name]) => presence("env", name ?? "", change),
  },
  { path: new RegExp(`${container}/ports`), text: only("ports") },
  {
    path: new RegExp(`${container}/resources/(requests|limits)/(.+)$`),
    text: (change, [, side, resource]) =>
      `${resource} ${side === "limits" ? "limit" : "request"} ${transition(change)}`,
  },
  { path: new RegExp(`${container}/resources`), text: only("resources") },
  { path: new RegExp(`${container}/(\\w+)Probe`), text: (_change, [, probe]) => `${probe} probe` },
  { path: new RegExp(`${container}/(command|args)`), text: (_change, [, name]) => name ?? "" },
  { path: new RegExp(`${container}/lifecycle`), text: only("what goes before the end of a pod") },
  { path: new RegExp(`${pod}/terminationGracePeriodSeconds$`), text: named("seconds to end in") },
  { path: new RegExp(`${container}/envFrom`), text: only("where its environment comes from") },
  { path: new RegExp(`securityContext`), text: only("security context") },
  { path: new RegExp(`(volumes|volumeMounts)`), text: only("volumes") },
  {
    path: /^spec\/template\/metadata\/annotations\/delivery\/secrets-generation$/,
    text: only("pods restart with the changed secrets"),
  },
  { path: /^spec\/template\/metadata\/annotations/, text: only("pods restart") },
];

/** Marks of changed settings on pods that run to their end, and so do not restart. */
const marks = (secrets: string, settings: string): readonly Phrase[] => [
  { path: /^spec\/template\/metadata\/annotations\/delivery\/secrets-generation$/, text: only(secrets) },
  { path: /^spec\/template\/metadata\/annotations/, text: only(settings) },
];

/** What changes of how a run goes, of a Job as of a CronJob. */
const runPhrases: readonly Phrase[] = [
  { path: /^spec\/activeDeadlineSeconds$/, text: named("seconds that a run may take") },
  { path: /^spec\/backoffLimit$/, text: named("further attempts of a run") },
];

/** The first phrase that fits counts. Where none does, a change is called by its kind and path. */
const phrases: Readonly<Record<string, readonly Phrase[]>> = {
  Deployment: [
    { path: /^spec\/replicas$/, text: named("replicas") },
    ...podPhrases,
    { path: /^spec\/strategy/, text: only("rollout strategy") },
  ],
  Rollout: [
    { path: /^spec\/replicas$/, text: named("replicas") },
    ...podPhrases,
    { path: /^spec\/strategy/, text: only("rollout strategy") },
    { path: /^spec\/progressDeadlineSeconds$/, text: named("seconds that new pods may take") },
  ],
  AnalysisTemplate: [{ path: /^spec/, text: only("what a rollout measures") }],
  StatefulSet: [
    { path: /^spec\/replicas$/, text: ofReplicas },
    ...podPhrases,
    {
      path: /^spec\/volumeClaimTemplates/,
      text: only("the StatefulSet is made anew: its pods stop, their data stays"),
    },
  ],
  CronJob: [
    { path: /^spec\/schedule$/, text: named("schedule") },
    { path: /^spec\/timeZone$/, text: named("time zone") },
    { path: /^spec\/concurrencyPolicy$/, text: named("concurrency") },
    {
      path: /^spec\/suspend$/,
      text: ({ after }) => (after === true ? "it is suspended" : "it runs again at its times"),
    },
    {
      path: /^spec\/(successful|failed)JobsHistoryLimit$/,
      text: (change, [, end]) => `${end} runs kept ${transition(change)}`,
    },
    { path: /^spec\/startingDeadlineSeconds$/, text: named("seconds that a run may begin late") },
    ...runPhrases,
    ...marks("the next run has the changed secrets", "the next run has the changed settings"),
    ...podPhrases,
  ],
  Job: [...runPhrases, ...marks("runs again with the changed secrets", "runs again"), ...podPhrases],
  PersistentVolumeClaim: [{ path: /^spec\/resources\/requests\/storage$/, text: named("size of a volume") }],
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

/** Pods with data of their own leave it behind, for when they come back. */
function ofReplicas(change: Difference): string {
  const isFewer = Number(change.before) > Number(change.after);
  return `replicas ${transition(change)}${isFewer ? "; the data of the pods that go stays" : ""}`;
}

/** Phrases for objects of any kind. */
const common: readonly Phrase[] = [
  { path: /^metadata\/namespace$/, text: named("namespace") },
  { path: /^metadata\/(labels|annotations)/, text: (_change, [, what]) => what ?? "" },
];

/** What changes of a Kubernetes object, in words; each change once. */
export function describeChange(kind: string, before: Value | undefined, after: Value | undefined): string[] {
  if (before === undefined && after === undefined) return [];
  if (kind === "ConfigMap" && allowedImagesPattern.test(nameIn(after ?? before ?? "")))
    return [describeAllowedImages(before, after)];
  if (before === undefined) return [`new ${kind}`];
  if (after === undefined) {
    const data = keptData(kind, before);
    if (kind === "PersistentVolumeClaim" && data.length > 0) return data;
    return [`no ${kind} any more`, ...data];
  }
  const [old, now] = kind === "CronJob" ? [jobTemplate(before), jobTemplate(after)] : [before, after];
  const changed = differences(byName(old), byName(now));
  const found = changed.map((difference) => describeDifference(kind, difference));
  // A Job cannot change.
  const isSaid = found.some((phrase) => phrase.startsWith("runs again"));
  const isAnew = kind === "Job" && !isSaid && changed.some(({ path }) => path[1] === "template");
  return [...new Set([...found, ...(isAnew ? ["runs again"] : [])])];
}

/** The names of the ConfigMaps with the images that pods may have. */
const allowedImagesPattern = new RegExp(`${allowedImagesName("").replace(".", "\\.")}$`);

function describeAllowedImages(before: Value | undefined, after: Value | undefined): string {
  if (before === undefined) return "its pods are held to the images that are released";
  return after === undefined ? "its pods may have any image" : "image";
}

/** A CronJob with its pods where those of other workloads are. */
function jobTemplate(cronJob: Value): Value {
  const spec = valueAt(cronJob, ["spec"]);
  const job = valueAt(cronJob, ["spec", "jobTemplate", "spec"]);
  if (!isMap(cronJob) || !isMap(spec) || !isMap(job)) return cronJob;
  const { jobTemplate: _, ...schedule } = spec;
  return { ...cronJob, spec: { ...schedule, ...job } };
}

/** The data of an object that outlives it, in words; empty: there is none. */
export function keptData(kind: string, object: Value): string[] {
  if (kind === "PersistentVolumeClaim")
    return isKept(object) ? [`the data of ${nameIn(object)} stays, and is used no more`] : [];
  const claims = valueAt(object, ["spec", "volumeClaimTemplates"]);
  const hasClaims = kind === "StatefulSet" && Array.isArray(claims) && claims.length > 0;
  return hasClaims ? [`the data of the pods of ${nameIn(object)} stays, and is used no more`] : [];
}

/** What comes of a service's migrations, which have a Job of their own for each image. */
export function describeMigration(kind: string, before: Value | undefined, after: Value | undefined): string[] {
  if (kind !== "Job") return [];
  return [
    after === undefined ? "no migrations any more" : before === undefined ? "new migrations run" : "migrations run",
  ];
}

/** Whether the claim of a volume outlives its declaration. */
function isKept(object: Value): boolean {
  const options = valueAt(object, ["metadata", "annotations", "argocd.argoproj.io/sync-options"]);
  return typeof options === "string" && options.includes("Prune=false");
}

function nameIn(object: Value): string {
  return shown(valueAt(object, ["metadata", "name"]));
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
