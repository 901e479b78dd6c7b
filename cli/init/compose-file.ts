import { posix } from "node:path";
import { parse } from "yaml";
import { expandWord, splitWords } from "../../components/dockerfile/dockerfile-words.ts";
import { isMap } from "../../core/yaml.ts";
import { hasSecretName } from "../../core/secret-names.ts";
import { environmentFile, expand } from "./env-file.ts";
import { isPort, listOf, parsed } from "./parsed-yaml.ts";
import type { Repository } from "./repository.ts";
import { completed, type Run, type RunBuild } from "./run.ts";

/** Those for tests and for a developer's tools say nothing of what is delivered. */
export function isComposeFile(path: string): boolean {
  const [, suffix] = /(?:^|\/)(?:docker-)?compose([._-][\w.-]+)?\.ya?ml$/.exec(path) ?? [undefined, undefined];
  return /(?:^|\/)(?:docker-)?compose([._-][\w.-]+)?\.ya?ml$/.test(path) && !/test|e2e|debug|load/.test(suffix ?? "");
}

/** The containers that a file of Compose starts. */
export function composeRuns({ read }: Pick<Repository, "read">, file: string): Run[] {
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
  const ports = [...listOf(service["ports"]), ...listOf(service["expose"])].flatMap((port) =>
    containerPort(port, text),
  );
  const own: Run = {
    name,
    aliases: [
      ...["hostname", "container_name"].map((key) => service[key]),
      ...(isMap(service["networks"])
        ? Object.values(service["networks"]).flatMap((network) => (isMap(network) ? listOf(network["aliases"]) : []))
        : []),
    ].flatMap((host) => text(host) ?? []),
    file,
    isCompose: true,
    image: text(service["image"]),
    build: composeBuild(build, directory, text),
    environment: Object.fromEntries(
      [...fromFiles, assignments(service["environment"], text, variables)].flatMap((one) => Object.entries(one)),
    ),
    secretVariables: askedSecrets(service["environment"], text),
    dependsOn: namesIn(service["depends_on"]),
    waitsFor: completedBefore(service["depends_on"]),
    ports,
    mounts: listOf(service["volumes"]).flatMap((volume) => lastingMount(volume, text)),
    command: commandLine(service["entrypoint"], text),
    args: commandLine(service["command"], text),
    // `no` is what Compose does by itself, too: what has ports was not meant to end.
    runs: isForTasks(listOf(profiles).map(String))
      ? "asked"
      : (restart === "no" || restart === false) && ports.length === 0
        ? "once"
        : "always",
    schedule: undefined,
  };
  const base = text(isMap(extended) ? extended["service"] : extended);
  if (base === undefined) return [own];
  const elsewhere = isMap(extended) ? text(extended["file"]) : undefined;
  const from = elsewhere === undefined ? file : posix.join(directory, elsewhere);
  const [found] = composeRun(read, from, base, composeServices(read(from))[base], extensions + 1);
  if (found === undefined) return [own];
  const whole = completed(own, found);
  const isPartial = isMap(build) && build["context"] === undefined && build["dockerfile"] === undefined;
  if (!isPartial || found.build === undefined || own.build === undefined) return [whole];
  const { target = found.build.target, args } = own.build;
  return [{ ...whole, build: { ...found.build, target, args: { ...found.build.args, ...args } } }];
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

/** Variables of which only whoever starts Compose has the value (`KEY: ${KEY}`), and whose names say that it is a secret. */
function askedSecrets(value: unknown, text: Text): string[] {
  const pairs = isMap(value)
    ? Object.entries(value)
    : listOf(value).map((entry): [string, unknown] => {
        const [name = "", ...rest] = String(entry).split("=");
        return [name, rest.length === 0 ? null : rest.join("=")];
      });
  return pairs.flatMap(([name, given]) =>
    hasSecretName(name) && (given === null || (given !== "" && text(given) === "")) ? [name] : [],
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

/** Directories of the repository are there to be changed by developers; volumes, and files, are not. */
function lastingMount(volume: unknown, text: Text): string[] {
  const [short = "", at] = isMap(volume) ? [] : (text(volume) ?? "").split(":");
  const source = isMap(volume) ? (text(volume["source"]) ?? "") : short;
  const target = isMap(volume) ? text(volume["target"]) : at;
  const isKept = /^[A-Za-z0-9][\w.-]*$/.test(source) || (/^\.{0,2}\//.test(source) && /\.\w{2,6}$/.test(source));
  return isKept && target !== undefined && !/\.sock$|^\/etc\/localtime$|node_modules/.test(target) ? [target] : [];
}

function namesIn(value: unknown): string[] {
  return isMap(value) ? Object.keys(value) : listOf(value).map(String);
}

/** Source: https://docs.docker.com/reference/compose-file/services/#depends_on */
function completedBefore(dependencies: unknown): string[] {
  return isMap(dependencies)
    ? Object.entries(dependencies).flatMap(([name, how]) =>
        isMap(how) && how["condition"] === "service_completed_successfully" ? [name] : [],
      )
    : [];
}
