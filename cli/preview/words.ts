import { differences, isMap, secretWord, shown, valueAt, type Difference, type Value } from "./value.ts";

/** A place in a Kubernetes object, and how a change of it is called. */
interface Phrase {
  readonly place: RegExp;
  readonly words: (difference: Difference, match: RegExpExecArray) => string;
}

const arrow = ({ before, after }: Difference): string => `${shown(before)} → ${shown(after)}`;
const named =
  (what: string) =>
  (difference: Difference): string =>
    `${what} ${arrow(difference)}`;
const only = (what: string) => (): string => what;

const pod = String.raw`spec/template/spec`;
const container = String.raw`${pod}/containers/\d+`;

/** The first that fits counts; what none fits is called by its kind and path. */
const phrases: Readonly<Record<string, readonly Phrase[]>> = {
  Deployment: [
    { place: /^spec\/replicas$/, words: named("replicas") },
    { place: new RegExp(`^${container}/image$`), words: only("image") },
    {
      place: new RegExp(`^${container}/env/([^/]+)/value$`),
      words: (change, [, name]) => `env ${name} ${arrow(change)}`,
    },
    {
      place: new RegExp(`^${container}/env/([^/]+)`),
      words: (change, [, name]) => presence("env", name ?? "", change),
    },
    { place: new RegExp(`^${container}/ports`), words: only("ports") },
    {
      place: new RegExp(`^${container}/resources/(requests|limits)/(.+)$`),
      words: (change, [, side, resource]) => `${resource} ${side === "limits" ? "limit" : "request"} ${arrow(change)}`,
    },
    { place: new RegExp(`^${container}/resources`), words: only("resources") },
    { place: new RegExp(`^${container}/(\\w+)Probe`), words: (_change, [, probe]) => `${probe} probe` },
    { place: new RegExp(`^${container}/(command|args)`), words: (_change, [, name]) => name ?? "" },
    { place: new RegExp(`^${container}/envFrom`), words: only("where its environment comes from") },
    { place: new RegExp(`securityContext`), words: only("security context") },
    { place: new RegExp(`(volumes|volumeMounts)`), words: only("volumes") },
    { place: /^spec\/template\/metadata\/annotations/, words: only("pods restart") },
    { place: /^spec\/strategy/, words: only("rollout strategy") },
  ],
  ConfigMap: [{ place: /^data\/(.+)$/, words: (change, [, name]) => `env ${name} ${arrow(change)}` }],
  Service: [{ place: /^spec\/ports/, words: only("Service ports") }],
  HorizontalPodAutoscaler: [
    { place: /^spec\/(min|max)Replicas$/, words: (change, [, side]) => `${side} replicas ${arrow(change)}` },
  ],
  NetworkPolicy: [{ place: /^spec\/(ingress|egress)/, words: only("who may call it, or whom it calls") }],
};

/** Of any kind. */
const common: readonly Phrase[] = [
  { place: /^metadata\/namespace$/, words: named("namespace") },
  { place: /^metadata\/(labels|annotations)/, words: (_change, [, what]) => what ?? "" },
];

/** What changes of a Kubernetes object, in words; each once. */
export function changeWords(kind: string, before: Value | undefined, after: Value | undefined): string[] {
  if (before === undefined && after === undefined) return [];
  if (before === undefined) return [`new ${kind}`];
  if (after === undefined) return [`no ${kind} any more`];
  const found = differences(byName(before), byName(after)).map((difference) => wordsOf(kind, difference));
  return [...new Set(found)];
}

function wordsOf(kind: string, difference: Difference): string {
  const place = difference.path.join("/");
  for (const phrase of [...(phrases[kind] ?? []), ...common]) {
    const match = phrase.place.exec(place);
    if (match !== null) return phrase.words(difference, match);
  }
  const secret = difference.before === secretWord || difference.after === secretWord;
  return `${kind} ${difference.path.join(".")}${secret ? " (secret)" : ""}`;
}

function presence(what: string, name: string, { before, after }: Difference): string {
  if (before === undefined) return `new ${what} ${name}`;
  return after === undefined ? `no ${what} ${name} any more` : `${what} ${name}`;
}

/** Lists whose items have names, as maps: one more at the front is then no change of all others. Containers stay a list. */
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
