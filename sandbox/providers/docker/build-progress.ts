/** What a build has said so far, gathered from the lines of `buildctl --progress rawjson`. */
export interface BuildProgress {
  /** Takes one line of output; returns what is new in it for a reader, if anything. */
  take(line: string): string | undefined;
  /** The step whose error the message tells, with the last lines it wrote; others may fail without harm, e.g. to load a cache. */
  failedStep(message: string): { step: string; lastLines: string[] } | undefined;
  /** The lines outside of the progress: at a failure the Dockerfile's excerpt and then the error. */
  messages(): string[];
}

interface Status {
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

  const takeStatus = (status: Status): string | undefined => {
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

function parseStatus(line: string): Status | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    // The lines are BuildKit's own; its version is pinned, and with it their form.
    return JSON.parse(line) as Status;
  } catch {
    return undefined;
  }
}
