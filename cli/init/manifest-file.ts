import { isMap } from "../../core/yaml.ts";
import { isPort, listOf, valueAt, yamlDocuments } from "./parsed-yaml.ts";
import type { Run, Schedule } from "./run.ts";

/** Where the kinds of objects that have pods have their template. */
const templates: Readonly<Record<string, readonly string[]>> = {
  Deployment: ["spec", "template", "spec"],
  StatefulSet: ["spec", "template", "spec"],
  Job: ["spec", "template", "spec"],
  CronJob: ["spec", "jobTemplate", "spec", "template", "spec"],
};

/** An object of Kubernetes, and the file that has it. */
interface FoundObject {
  readonly file: string;
  readonly object: Readonly<Record<string, unknown>>;
}

/**
 * The containers of Deployments, Jobs and the like, and those that prepare these by the same image; a template of Helm is no YAML,
 * and says nothing.
 * @param files path → text
 */
export function manifestRuns(files: ReadonlyMap<string, string>): Run[] {
  const objects = [...files].flatMap(([file, text]) => objectsIn(file, text));
  const configuration = new Map(
    objects
      .toReversed()
      .flatMap(({ object }) =>
        object["kind"] === "ConfigMap" ? [[valueAt(object, "metadata", "name"), object["data"]] as const] : [],
      ),
  );
  const services = objects.flatMap(({ object }) => (object["kind"] === "Service" ? [object] : []));
  return objects.flatMap(({ file, object }) => objectRuns(file, object, { configuration, services }));
}

function objectsIn(file: string, text: string): FoundObject[] {
  if (!/^kind:\s*["']?(Deployment|StatefulSet|Job|CronJob|Service|ConfigMap)\b/m.test(text)) return [];
  return yamlDocuments(text).map((object) => ({ file, object }));
}

/** What else of a repository's objects says how a container runs. */
interface Surrounding {
  /** By the names of ConfigMaps: what is in them. */
  readonly configuration: ReadonlyMap<unknown, unknown>;
  readonly services: readonly Readonly<Record<string, unknown>>[];
}

function objectRuns(file: string, object: Readonly<Record<string, unknown>>, around: Surrounding): Run[] {
  const { kind } = object;
  const path = typeof kind === "string" && Object.hasOwn(templates, kind) ? templates[kind] : undefined;
  const name = valueAt(object, "metadata", "name") ?? valueAt(object, "metadata", "generateName");
  if (path === undefined || typeof name !== "string" || name === "") return [];
  const [container] = listOf(valueAt(object, ...path, "containers"));
  if (!isMap(container)) return [];
  const owner = name.replace(/-$/, "");
  const isAsked = valueAt(object, "spec", "suspend") === true;
  const volumes = listOf(valueAt(object, ...path, "volumes")).filter(isMap);
  const read = (called: string, from: Readonly<Record<string, unknown>>): Run =>
    containerRun({ name: called, file, container: from, volumes, configuration: around.configuration });
  const main = read(owner, container);
  const before = listOf(valueAt(object, ...path, "initContainers")).flatMap((init): Run[] =>
    isMap(init) && typeof init["name"] === "string" && main.image !== undefined && init["image"] === main.image
      ? [{ ...read(`${owner}/${init["name"]}`, init), runs: "once" }]
      : [],
  );
  const ends = kind === "Job" || kind === "CronJob";
  const labels = valueAt(object, ...path.slice(0, -1), "metadata", "labels");
  const services = around.services.filter((service) => isSelected(labels, valueAt(service, "spec", "selector")));
  return [
    ...before,
    {
      ...main,
      aliases: services.flatMap(nameOf).filter((alias) => alias !== owner),
      // A container need not tell its ports; then only a Service does.
      ports: main.ports.length > 0 ? main.ports : [...new Set(services.flatMap(targetPorts))],
      dependsOn: before.map((init) => init.name),
      waitsFor: before.map((init) => init.name),
      runs: isAsked ? "asked" : ends ? "once" : "always",
      schedule: kind === "CronJob" ? scheduleOf(object) : undefined,
    },
  ];
}

interface ContainerArgs extends Pick<Surrounding, "configuration"> {
  readonly name: string;
  readonly file: string;
  readonly container: Readonly<Record<string, unknown>>;
  /** Those of its pod. */
  readonly volumes: readonly Readonly<Record<string, unknown>>[];
}

function containerRun({ name, file, container, volumes, configuration }: ContainerArgs): Run {
  const variables = listOf(container["env"]).filter(isMap);
  const all = listOf(container["envFrom"]).flatMap((source) =>
    Object.entries(mapOf(configuration.get(valueAt(mapOf(source), "configMapRef", "name")))),
  );
  const single = variables.map((entry) => {
    const reference = mapOf(valueAt(entry, "valueFrom", "configMapKeyRef"));
    const value = mapOf(configuration.get(reference["name"]))[String(reference["key"])];
    return [String(entry["name"]), entry["value"] ?? value] as const;
  });
  const lasting = new Set(volumes.filter((volume) => volume["emptyDir"] === undefined).map((volume) => volume["name"]));
  return {
    name,
    aliases: [],
    file,
    isCompose: false,
    image: typeof container["image"] === "string" ? container["image"] : undefined,
    build: undefined,
    environment: Object.fromEntries(
      [...all, ...single].filter(
        (entry): entry is readonly [string, string] => isVariable(entry[0]) && typeof entry[1] === "string",
      ),
    ),
    secretVariables: variables.flatMap(({ name: variable, valueFrom }) =>
      isMap(valueFrom) && isMap(valueFrom["secretKeyRef"]) && isVariable(variable) ? [variable] : [],
    ),
    dependsOn: [],
    waitsFor: [],
    ports: listOf(container["ports"]).flatMap((port) =>
      isMap(port) && isPort(port["containerPort"]) && port["protocol"] !== "UDP" ? [port["containerPort"]] : [],
    ),
    mounts: listOf(container["volumeMounts"]).flatMap((mount) =>
      isMap(mount) && lasting.has(mount["name"]) && typeof mount["mountPath"] === "string" ? [mount["mountPath"]] : [],
    ),
    command: words(container["command"]),
    args: words(container["args"]),
    runs: "always",
    schedule: undefined,
  };
}

function isVariable(name: unknown): name is string {
  return typeof name === "string" && /^[A-Za-z_]\w*$/.test(name);
}

function mapOf(value: unknown): Readonly<Record<string, unknown>> {
  return isMap(value) ? value : {};
}

function nameOf(object: Readonly<Record<string, unknown>>): string[] {
  const name = valueAt(object, "metadata", "name");
  return typeof name === "string" ? [name] : [];
}

/** Where a Service sends requests, as far as it says that by number. */
function targetPorts(service: Readonly<Record<string, unknown>>): number[] {
  return listOf(valueAt(service, "spec", "ports")).flatMap((port) => {
    const target = isMap(port) && port["protocol"] !== "UDP" ? (port["targetPort"] ?? port["port"]) : undefined;
    return isPort(target) ? [target] : [];
  });
}

/** Whether a Service sends its requests to pods with these labels. */
function isSelected(labels: unknown, selector: unknown): boolean {
  const wanted = Object.entries(mapOf(selector));
  return wanted.length > 0 && wanted.every(([label, value]) => mapOf(labels)[label] === value);
}

function words(value: unknown): string[] | undefined {
  const all = listOf(value).filter((word) => typeof word === "string");
  return all.length === 0 ? undefined : all;
}

function scheduleOf(object: Readonly<Record<string, unknown>>): Schedule | undefined {
  const text = (key: string): string | undefined => {
    const value = valueAt(object, "spec", key);
    return typeof value === "string" ? value : undefined;
  };
  const schedule = text("schedule");
  return schedule === undefined
    ? undefined
    : { schedule, timeZone: text("timeZone"), concurrency: text("concurrencyPolicy") };
}
