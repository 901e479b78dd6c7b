import type { ImageBuild } from "./build-command.ts";
import type { RegistryAccess } from "./image-inputs.ts";

/** What a build has said so far, gathered from the lines of `buildctl --progress rawjson`. */
export interface BuildProgress {
  /** Takes one line of output; returns what is new in it for a reader, if anything. */
  take(line: string): string | undefined;
  /** The step whose error the message tells, with the last lines it wrote; others may fail without harm, e.g. to load a cache. */
  failedStep(message: string): { step: string; lastLines: string[] } | undefined;
  /** The lines outside of the progress: at a failure the Dockerfile's excerpt and then the error. */
  messages(): string[];
}

interface ProgressLine {
  vertexes?: { digest: string; name: string; started?: string; completed?: string; cached?: boolean; error?: string }[];
  logs?: { vertex: string; data: string }[];
}

/** How many of a failing step's last lines are kept. */
const lastLineCount = 20;

export function buildProgress(): BuildProgress {
  const names = new Map<string, string>();
  const begun = new Set<string>();
  const lines = new Map<string, string[]>();
  const errors = new Map<string, string>();
  const messages: string[] = [];

  const takeStatus = (status: ProgressLine): string | undefined => {
    const news: string[] = [];
    for (const vertex of status.vertexes ?? []) {
      names.set(vertex.digest, vertex.name);
      if (vertex.started !== undefined && !begun.has(vertex.digest) && !vertex.name.startsWith("[internal]")) {
        begun.add(vertex.digest);
        news.push(vertex.cached === true ? `${vertex.name} (cached)` : vertex.name);
      }
      if (vertex.error !== undefined) errors.set(vertex.digest, vertex.error);
    }
    for (const { vertex, data } of status.logs ?? []) {
      const added = Buffer.from(data, "base64")
        .toString("utf8")
        .split(/\r?\n|\r/)
        .map((line) => line.trimEnd())
        .filter((line) => line !== "");
      lines.set(vertex, [...(lines.get(vertex) ?? []), ...added].slice(-lastLineCount));
      news.push(...added);
    }
    return news.at(-1);
  };

  return {
    take(line) {
      const status = parseStatus(line);
      if (status !== undefined) return takeStatus(status);
      if (line.trim() !== "") messages.push(line);
      return undefined;
    },
    failedStep(message) {
      const digest = [...errors].find(([, error]) => message.includes(error))?.[0];
      return digest === undefined
        ? undefined
        : { step: names.get(digest) ?? digest, lastLines: lines.get(digest) ?? [] };
    },
    messages: () => messages,
  };
}

function parseStatus(line: string): ProgressLine | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    // The lines are BuildKit's own; its version is pinned, and with it their form.
    return JSON.parse(line) as ProgressLine;
  } catch {
    return undefined;
  }
}

const transientError =
  /connection reset by peer|broken pipe|unexpected EOF|: EOF$|TLS handshake timeout|i\/o timeout|toomanyrequests|429 Too Many Requests|\b50[0234] [A-Z]/;

/** Whether the same build may succeed a moment later; never where a step of the Dockerfile fails. */
export function isTransient(progress: BuildProgress): boolean {
  const message = lastMessage(progress);
  return transientError.test(message) && !message.startsWith("process ");
}

/** What went wrong in a build, where, and what can be done about it. */
export function buildFailure(build: ImageBuild, access: RegistryAccess, progress: BuildProgress): string {
  const message = lastMessage(progress);
  const registry = /failed to (?:push|authorize)|pull access denied|failed to do request|insufficient_scope/.test(
    message,
  );
  if (
    registry &&
    /\b401\b|\b403\b|denied|unauthorized|insufficient_scope|no basic auth/i.test(message) &&
    message.includes(build.image.repository)
  ) {
    const user =
      access.username === "" || access.password === "" ? "without credentials" : `as user "${access.username}"`;
    return `the registry ${build.image.registry} refuses ${build.image.full} ${user} (${message}): set registry.username and registry.password of the image to an account that may push to ${build.image.path}`;
  }
  if (
    /connection refused|no such host|network is unreachable|no route to host|i\/o timeout|server misbehaving/.test(
      message,
    ) &&
    !message.includes("listing workers")
  ) {
    const host = /https?:\/\/([^/"]+)/.exec(message)?.[1] ?? build.image.registry;
    return `the registry ${host} cannot be reached (${message}): check that it runs and that its address is right, then run again; what is built already is kept`;
  }
  if (/listing workers|failed to list workers/.test(message)) {
    return `BuildKit does not answer (${message}): see its log, and start the sandbox again`;
  }
  return described(build, progress, message);
}

function described(build: ImageBuild, progress: BuildProgress, message: string): string {
  const failure = progress.failedStep(message);
  const missing = /failed to resolve source metadata for (\S+): .*not found/.exec(message)?.[1];
  const excerpt = progress.messages().slice(0, -1);
  return [
    `building ${build.image.full} from ${build.dockerfile} failed: ${message}`,
    ...(missing === undefined
      ? []
      : [`The base image ${missing} is not in the registry: check its name and tag, or push it there.`]),
    ...(failure === undefined || failure.lastLines.length === 0
      ? []
      : [`The step ${failure.step} ended with:`, ...failure.lastLines.map((line) => `  ${line}`)]),
    ...excerpt,
  ].join("\n");
}

function lastMessage(progress: BuildProgress): string {
  const last =
    progress.messages().findLast((line) => line.startsWith("error: ")) ??
    progress.messages().at(-1) ??
    "BuildKit ended without a message";
  return last.replace(/^error: (?:failed to solve: )?/, "");
}
