import { existsSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseYaml } from "../core/yaml.ts";
import { isMap } from "./json.ts";
import type { JsonMap, JsonValue } from "./json.ts";
import { listAt, mapAt, stringAt } from "./object.ts";
import { UnreachableError } from "./errors.ts";

/** Named parts of one or several kubeconfig files. */
export interface Kubeconfig {
  /** For messages: a path, several paths, or what stands for content. */
  source: string;
  currentContext: string;
  clusters: ReadonlyMap<string, JsonMap>;
  contexts: ReadonlyMap<string, JsonMap>;
  users: ReadonlyMap<string, JsonMap>;
}

export interface KubeconfigChoice {
  /** A path, YAML or JSON content, or the content as a map; undefined: `$KUBECONFIG`, else `~/.kube/config`. */
  kubeconfig?: JsonValue | undefined;
  /** How messages call a map that is given. @default the provider's kubeconfig */
  title?: string;
  environment: Readonly<Record<string, string | undefined>>;
}

const fileKeys = ["certificate-authority", "client-certificate", "client-key", "tokenFile"] as const;

/**
 * Reads the kubeconfig that the provider is given, or the ambient one.
 *
 * @throws UnreachableError where there is no ambient one, Error where one is malformed.
 */
export function loadKubeconfig({
  kubeconfig,
  title = "the provider's kubeconfig",
  environment,
}: KubeconfigChoice): Kubeconfig {
  if (isMap(kubeconfig)) return fromContent(kubeconfig, title, process.cwd());
  if (typeof kubeconfig === "string" && kubeconfig !== "") return fromText(kubeconfig);
  const fromVariable = environment["KUBECONFIG"];
  const paths = fromVariable
    ? fromVariable.split(":").filter((path) => path !== "")
    : [join(environment["HOME"] ?? homedir(), ".kube/config")];
  const found = paths.filter(isFile);
  if (found.length === 0) {
    throw new UnreachableError(
      `no kubeconfig: none is given, and ${paths.join(", ")} does not exist. Set \`kubeconfig\` on the provider or the variable KUBECONFIG.`,
    );
  }
  return found.map(fromFile).reduce(merge);
}

function fromText(text: string): Kubeconfig {
  const path = text === "~" || text.startsWith("~/") ? join(homedir(), text.slice(1)) : text;
  if (!text.includes("\n") && isFile(path)) return fromFile(path);
  const content = parseKubeconfig(text);
  if (content !== undefined) return fromContent(content, "the provider's kubeconfig", process.cwd());
  // Only something that looks like a path is repeated: content holds credentials.
  const shown = /^[\w./~-]{1,200}$/.test(text) ? `"${text}"` : "the provider's kubeconfig";
  throw new Error(`${shown} is neither a file that exists nor the content of a kubeconfig.`);
}

function fromFile(path: string): Kubeconfig {
  const content = parseKubeconfig(readFileSync(path, "utf8"));
  if (content === undefined) throw new Error(`kubeconfig ${path} is not YAML with clusters, contexts and users.`);
  return fromContent(content, path, dirname(resolve(path)));
}

/** @returns `undefined` where the text is no YAML, or not that of a map */
export function parseKubeconfig(text: string): JsonMap | undefined {
  const content = parseYaml(text);
  if ("problem" in content) return undefined;
  // The yaml package's result for YAML without tags is JSON, which is what JsonValue describes.
  const value = content.value as JsonValue | undefined;
  return isMap(value) ? value : undefined;
}

function fromContent(content: JsonMap, source: string, directory: string): Kubeconfig {
  const named = (list: string, key: string): Map<string, JsonMap> =>
    new Map(
      listAt(content, list).map((entry) => [stringAt(entry, "name") ?? "", absolute(mapAt(entry, key), directory)]),
    );
  return {
    source,
    currentContext: stringAt(content, "current-context") ?? "",
    clusters: named("clusters", "cluster"),
    contexts: named("contexts", "context"),
    users: named("users", "user"),
  };
}

/** Paths in a kubeconfig are relative to its file. */
function absolute(entry: JsonMap, directory: string): JsonMap {
  const paths = fileKeys.flatMap((key) => {
    const path = stringAt(entry, key);
    return path ? [[key, resolve(directory, path)]] : [];
  });
  return { ...entry, ...Object.fromEntries(paths) };
}

/** The first file that names something wins, as for kubectl. */
function merge(first: Kubeconfig, second: Kubeconfig): Kubeconfig {
  return {
    source: `${first.source}:${second.source}`,
    currentContext: first.currentContext || second.currentContext,
    clusters: new Map([...second.clusters, ...first.clusters]),
    contexts: new Map([...second.contexts, ...first.contexts]),
    users: new Map([...second.users, ...first.users]),
  };
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}
