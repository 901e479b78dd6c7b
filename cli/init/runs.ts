import { posix } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { expandWord, splitWords } from "../../components/dockerfile/dockerfile-words.ts";
import { isMap } from "../../core/yaml.ts";
import type { Repository } from "./repository.ts";

/** How a container is run, as a file for Docker Compose or for Kubernetes says. Paths are from the root of the monorepo. */
export interface Run {
  readonly name: string;
  /** The file that says so. */
  readonly file: string;
  readonly isCompose: boolean;
  readonly image: string | undefined;
  readonly build: RunBuild | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly dependsOn: readonly string[];
  /** Those that it listens on. */
  readonly ports: readonly number[];
  /** What it runs in place of the image's ENTRYPOINT, and of its CMD; `undefined`: the image's own. */
  readonly command: readonly string[] | undefined;
  readonly args: readonly string[] | undefined;
  /** Whether it is started once, or only when asked for. */
  readonly isTask: boolean;
}

interface RunBuild {
  readonly dockerfile: string;
  readonly context: string;
  readonly target: string | undefined;
  readonly args: Readonly<Record<string, string>>;
}

/** All that the repository says of how its containers run, Compose first: it says what is built, too. */
export function readRuns(repository: Pick<Repository, "files" | "read">): Run[] {
  const compose = repository.files.filter(isComposeFile).toSorted((a, b) => depth(a) - depth(b) || a.length - b.length);
  const manifests = repository.files.filter(
    (file) =>
      /\.ya?ml$/.test(file) &&
      !isComposeFile(file) &&
      !/(^|\/)(test\w*|testdata|examples?|samples?|docs?|vendor|node_modules)\//.test(file),
  );
  return withHostNames(
    merged([
      ...compose.flatMap((file) => composeRuns(repository, file)),
      ...manifests.flatMap((file) => manifestRuns(file, repository.read(file) ?? "")),
    ]),
  );
}

/** Compose takes names that are no hosts in Kubernetes, such as `my_db`: these have dashes here, wherever they are written. */
function withHostNames(runs: readonly Run[]): Run[] {
  const host = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9-]+/g, "-");
  const taken = new Set(runs.map(({ name }) => name));
  const changed = runs.map(({ name }) => name).filter((name) => host(name) !== name && !taken.has(host(name)));
  const rename = (text: string): string => changed.reduce((to, name) => replaceHost(to, name, host(name)), text);
  return runs.map((run) => ({
    ...run,
    name: rename(run.name),
    dependsOn: run.dependsOn.map(rename),
    environment: Object.fromEntries(Object.entries(run.environment).map(([name, value]) => [name, rename(value)])),
  }));
}

/** Whether a value names a host, on its own or in an address. */
export function isHost(name: string, value: string): boolean {
  return new RegExp(`(^|[/@=,\\s])${literal(name)}(:\\d+|$|[/,\\s])`).test(value) && !/^\d+$/.test(name);
}

/** Another name for a host, wherever a value names that. */
export function replaceHost(value: string, name: string, by: string): string {
  return value.replaceAll(new RegExp(`(^|[/@=,\\s])${literal(name)}(?=:\\d+|$|[/,\\s])`, "g"), `$1${by}`);
}

/** A text as a regular expression that means it alone. */
function literal(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

function depth(path: string): number {
  return path.split("/").length;
}

/** Those for tests and for a developer's tools say nothing of what is delivered. */
function isComposeFile(path: string): boolean {
  const [, suffix] = /(?:^|\/)(?:docker-)?compose([._-][\w.-]+)?\.ya?ml$/.exec(path) ?? [undefined, undefined];
  return /(?:^|\/)(?:docker-)?compose([._-][\w.-]+)?\.ya?ml$/.test(path) && !/test|e2e|debug|load/.test(suffix ?? "");
}

/** A container of one name and image is one, however many files speak of it. */
function merged(runs: readonly Run[]): Run[] {
  const byName = new Map<string, Run>();
  for (const run of runs) {
    const known = byName.get(run.name);
    if (known === undefined) byName.set(run.name, run);
    else if (known.isCompose || !run.isCompose)
      byName.set(run.name, {
        ...known,
        image: known.image ?? run.image,
        build: known.build ?? run.build,
        environment: { ...run.environment, ...known.environment },
        dependsOn: [...new Set([...known.dependsOn, ...run.dependsOn])],
        ports: [...new Set([...known.ports, ...run.ports])],
        command: known.command ?? run.command,
        args: known.args ?? run.args,
      });
  }
  return [...byName.values()];
}

function composeRuns({ read }: Pick<Repository, "read">, file: string): Run[] {
  return Object.entries(composeServices(read(file))).flatMap(([name, service]) =>
    composeRun(read, file, name, service),
  );
}

function composeServices(text = ""): Readonly<Record<string, unknown>> {
  const content = parsed(() => parse(text, { merge: true, logLevel: "silent" }));
  return isMap(content) && isMap(content["services"]) ? content["services"] : {};
}

const mostExtensions = 10;

/** @param extensions how many services extend one another to here */
function composeRun(read: Repository["read"], file: string, name: string, service: unknown, extensions = 0): Run[] {
  if (!isMap(service) || extensions > mostExtensions) return [];
  const directory = posix.dirname(file);
  const variables = environmentFile(read(posix.join(directory, ".env")) ?? "");
  const text: Text = (value) =>
    ["string", "number", "boolean"].includes(typeof value) ? expand(String(value), variables) : undefined;
  const given = [service["env_file"]].flat().flatMap((entry) => text(isMap(entry) ? entry["path"] : entry) ?? []);
  const fromFiles = given.map((path) => environmentFile(read(posix.join(directory, path)) ?? ""));
  const { restart, profiles, build, extends: extended } = service;
  const own: Run = {
    name,
    file,
    isCompose: true,
    image: text(service["image"]),
    build: composeBuild(build, directory, text),
    environment: Object.fromEntries(
      [...fromFiles, assignments(service["environment"], text, variables)].flatMap((one) => Object.entries(one)),
    ),
    dependsOn: namesIn(service["depends_on"]),
    ports: [...listOf(service["ports"]), ...listOf(service["expose"])].flatMap((port) => containerPort(port, text)),
    command: commandLine(service["entrypoint"], text),
    args: commandLine(service["command"], text),
    isTask: restart === "no" || restart === false || isForTasks(listOf(profiles).map(String)),
  };
  const base = text(isMap(extended) ? extended["service"] : extended);
  if (base === undefined) return [own];
  const elsewhere = isMap(extended) ? text(extended["file"]) : undefined;
  const from = elsewhere === undefined ? file : posix.join(directory, elsewhere);
  const [found] = composeRun(read, from, base, composeServices(read(from))[base], extensions + 1);
  if (found === undefined) return [own];
  const isPartial = isMap(build) && build["context"] === undefined && build["dockerfile"] === undefined;
  return [
    {
      ...own,
      image: own.image ?? found.image,
      build:
        isPartial && found.build !== undefined && own.build !== undefined
          ? {
              ...found.build,
              target: own.build.target ?? found.build.target,
              args: { ...found.build.args, ...own.build.args },
            }
          : (own.build ?? found.build),
      environment: { ...found.environment, ...own.environment },
      dependsOn: [...new Set([...found.dependsOn, ...own.dependsOn])],
      ports: [...new Set([...found.ports, ...own.ports])],
      command: own.command ?? found.command,
      args: own.args ?? found.args,
    },
  ];
}

/** What only such profiles have is not started with the rest. */
function isForTasks(profiles: readonly string[]): boolean {
  return (
    profiles.length > 0 && profiles.every((profile) => /seed|migrat|test|tool|debug|load|setup|init/i.test(profile))
  );
}

type Text = (value: unknown) => string | undefined;

function composeBuild(build: unknown, directory: string, text: Text): RunBuild | undefined {
  const settings = isMap(build) ? build : { context: build };
  const context = text(settings["context"] ?? ".");
  if (build === undefined || context === undefined || settings["dockerfile_inline"] !== undefined) return undefined;
  const at = posix.join(directory, context).replace(/(.)\/$/, "$1");
  const dockerfile = posix.join(at, text(settings["dockerfile"]) ?? "Dockerfile");
  if (/^[a-z]+:/.test(context) || at.startsWith("..") || dockerfile.startsWith("..")) return undefined;
  return { context: at, dockerfile, target: text(settings["target"]), args: assignments(settings["args"], text, {}) };
}

/** A map, or a list of `NAME=value`; a name without a value is that of the file `.env`. */
function assignments(value: unknown, text: Text, known: Readonly<Record<string, string>>): Record<string, string> {
  const pairs: (readonly [string, string | undefined])[] = isMap(value)
    ? Object.entries(value).map(([name, given]) => [name, given === null ? known[name] : text(given)])
    : listOf(value).map((entry) => {
        const [name = "", ...rest] = String(entry).split("=");
        return [name, rest.length === 0 ? known[name] : text(rest.join("="))];
      });
  // What is no name of a variable is none on Kubernetes either, as far as this program takes it.
  return Object.fromEntries(
    pairs.flatMap(([name, given]) => (given === undefined || !/^[A-Za-z_]\w*$/.test(name) ? [] : [[name, given]])),
  );
}

/** A list, or a line that is taken apart as a shell would, which does not run: https://docs.docker.com/reference/compose-file/services/#command */
function commandLine(value: unknown, text: Text): string[] | undefined {
  const words = Array.isArray(value)
    ? value.flatMap((word) => text(word) ?? [])
    : splitWords(text(value) ?? "").map((word) => expandWord(word, (name) => `$${name}`));
  return words.length === 0 ? undefined : words;
}

function containerPort(port: unknown, text: Text): number[] {
  const written = text(isMap(port) ? port["target"] : port) ?? "";
  const [, first, last = first] = /^(?:.*:)?(\d+)(?:-(\d+))?(?:\/tcp)?$/.exec(written) ?? [];
  return [first, last].map(Number).filter(isPort);
}

function isPort(port: unknown): port is number {
  return typeof port === "number" && port >= 1 && port <= 65_535;
}

/** The containers of Deployments and the like; a template of Helm is no YAML, and says nothing. */
function manifestRuns(file: string, text: string): Run[] {
  if (!/^kind:\s*(Deployment|StatefulSet)\b/m.test(text) || !/\bcontainers:/.test(text)) return [];
  const documents = parsed(() => parseAllDocuments(text, { logLevel: "silent" }));
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    const object: unknown = document.errors.length === 0 ? parsed(() => document.toJS()) : undefined;
    const containers = isMap(object) ? listOf(valueAt(object, "spec", "template", "spec", "containers")) : [];
    const owner = isMap(object) ? valueAt(object, "metadata", "name") : undefined;
    const [container] = containers;
    if (!isMap(container) || typeof owner !== "string") return [];
    const environment = listOf(container["env"]).flatMap((entry) =>
      isMap(entry) &&
      typeof entry["name"] === "string" &&
      /^[A-Za-z_]\w*$/.test(entry["name"]) &&
      typeof entry["value"] === "string"
        ? [[entry["name"], entry["value"]]]
        : [],
    );
    const ports = listOf(container["ports"]).flatMap((port) =>
      isMap(port) && isPort(port["containerPort"]) && port["protocol"] !== "UDP" ? [port["containerPort"]] : [],
    );
    const image = typeof container["image"] === "string" ? container["image"] : undefined;
    const rest = {
      isCompose: false,
      build: undefined,
      dependsOn: [],
      command: undefined,
      args: undefined,
      isTask: false,
    };
    return [{ name: owner, file, image, environment: Object.fromEntries(environment), ports, ...rest }];
  });
}

function valueAt(value: Readonly<Record<string, unknown>>, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((found, key) => (isMap(found) ? found[key] : undefined), value);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function namesIn(value: unknown): string[] {
  return isMap(value) ? Object.keys(value) : listOf(value).map(String);
}

/** @returns `undefined` where it cannot be read: then nothing is known of it */
function parsed(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The variables of a file `.env`, each with those above it filled in. */
function environmentFile(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const [, name, value = ""] = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name !== undefined) found[name] = expand(value.replace(/\s+#.*$/, "").replace(/^(["'])(.*)\1$/, "$2"), found);
  }
  return found;
}

/** `$NAME`, `${NAME}`, `${NAME:-default}`; what is not known is empty. */
function expand(text: string, known: Readonly<Record<string, string>>): string {
  return text.replaceAll(
    /\$(?:\$|(\w+)|\{(\w+)(?::?([-?+])([^{}]*))?\})/g,
    (all, bare?: string, braced?: string, operator?: string, word = "") => {
      if (all === "$$") return "$";
      const value = known[bare ?? braced ?? ""] ?? "";
      if (operator === "+") return value === "" ? "" : expand(word, known);
      return value === "" && operator === "-" ? expand(word, known) : value;
    },
  );
}
