import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { outputOf } from "../../../../core/process.ts";
import type { MirrorAnswer } from "./answer.ts";

/** Seconds that one module may take; large ones from a version control system take minutes. */
const timeoutSeconds = 600;
const foundSchema = z.object({ Version: z.string().default(""), Versions: z.array(z.string()).default([]) });

/**
 * Serves the module proxy protocol (https://go.dev/ref/mod#goproxy-protocol) from Go's own module cache, whose folder of
 * downloads has the protocol's layout. What is missing is downloaded by this machine's Go: from where, with which
 * credentials, and whether a checksum database is asked is as `go env` says.
 *
 * @param folder the module cache
 * @returns answers the path below the proxy's address; `undefined`: it is no path of the protocol
 */
export function goModuleMirror(
  folder: string,
  log: (line: string) => void,
): (path: string) => Promise<MirrorAnswer | undefined> {
  const underway = new Map<string, Promise<string>>();
  const go = (...args: string[]): Promise<string> => {
    const key = args.join(" ");
    const running =
      underway.get(key) ??
      runGo(folder, args).finally(() => {
        underway.delete(key);
      });
    underway.set(key, running);
    return running;
  };
  return async (path) => {
    const asked = parsePath(path);
    if (asked === undefined) return undefined;
    const { module, escaped, kind } = asked;
    const list = ["list", "-m", "-modcacherw", "-json"];
    if (kind === "list") {
      const { Versions } = foundSchema.parse(JSON.parse(await go(...list, "-versions", module)));
      return { content: Versions.join("\n"), type: "text/plain; charset=utf-8" };
    }
    const versions = join(folder, "cache", "download", escaped, "@v");
    const file = join(versions, `${escape(asked.version)}.${kind}`);
    if (existsSync(file)) return fileAnswer(file);
    log(`go: getting ${module}@${asked.version} (${kind})`);
    if (kind === "zip") {
      await go("mod", "download", "-modcacherw", `${module}@${asked.version}`);
      return fileAnswer(file);
    }
    // Of most modules in a graph only go.mod is read: this does not download the rest. A branch has become a version then.
    const { Version } = foundSchema.parse(JSON.parse(await go(...list, `${module}@${asked.version}`)));
    return fileAnswer(join(versions, `${escape(Version)}.${kind}`));
  };
}

function fileAnswer(file: string): MirrorAnswer {
  return { content: { file }, type: "application/octet-stream" };
}

interface ModuleRequest {
  readonly module: string;
  /** As the protocol and the cache write it: an exclamation mark and a small letter for each capital. */
  readonly escaped: string;
  /** A version, or what stands for one: `latest`, a branch. */
  readonly version: string;
  readonly kind: "info" | "mod" | "zip" | "list";
}

function parsePath(path: string): ModuleRequest | undefined {
  const [, escaped = "", rest = ""] = /^([a-z0-9][a-z0-9!._~/-]*)\/@(latest|v\/[^/]+)$/.exec(path) ?? [];
  if (escaped === "" || escaped.split("/").includes("..")) return undefined;
  const module = unescape(escaped);
  if (rest === "latest") return { module, escaped, version: "latest", kind: "info" };
  if (rest === "v/list") return { module, escaped, version: "", kind: "list" };
  const [, version = "", kind] = /^v\/([\w!.+~-]+)\.(info|mod|zip)$/.exec(rest) ?? [];
  if (kind !== "info" && kind !== "mod" && kind !== "zip") return undefined;
  return { module, escaped, version: unescape(version), kind };
}

function unescape(text: string): string {
  return text.replaceAll(/!([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function escape(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`);
}

function runGo(folder: string, args: readonly string[]): Promise<string> {
  mkdirSync(folder, { recursive: true });
  // At the root there is no module that could change what the arguments mean.
  return outputOf("go", args, {
    cwd: "/",
    env: { ...process.env, GOMODCACHE: folder, GOWORK: "off", GO111MODULE: "on", GIT_TERMINAL_PROMPT: "0" },
    timeoutSeconds,
  });
}
