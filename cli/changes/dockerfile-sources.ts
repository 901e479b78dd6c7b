/** What a Dockerfile takes from its build context. */
export interface DockerfileSources {
  /** Paths and globs, relative to the context; `.` is all of it. */
  readonly copied: readonly string[];
  /** The Go packages that it builds, relative to the context where its WORKDIR is the context's copy. */
  readonly goPackages: readonly string[];
}

/** Source: https://docs.docker.com/reference/dockerfile/ */
export function dockerfileSources(text: string): DockerfileSources {
  const lines = instructions(text);
  return {
    copied: lines.flatMap((line) => (/^(COPY|ADD)\s/i.test(line) ? copySources(line) : mountSources(line))),
    goPackages: lines.flatMap(goBuilds),
  };
}

/** One per line, without comments and continuations. */
function instructions(text: string): string[] {
  return text
    .replaceAll(/^\s*#.*\r?\n/gm, "")
    .replaceAll(/\\[ \t]*\r?\n/g, " ")
    .split(/\r?\n/)
    .map((line) => line.trim());
}

function copySources(line: string): string[] {
  // From another stage or image, or written there.
  if (/\s--from=/i.test(line) || /\s<<-?["']?\w/.test(line)) return [];
  const rest = line.replace(/^\w+\s+(--\S+\s+)*/, "");
  return words(rest)
    .slice(0, -1)
    .filter((source) => !/^(https?:|git@|git:)/.test(source))
    .map(normal);
}

function mountSources(line: string): string[] {
  if (!/^RUN\s/i.test(line)) return [];
  return [...line.matchAll(/--mount=(\S+)/g)].flatMap(([, options = ""]) => {
    const settings = new Map(options.split(",").map((option): [string, string] => pair(option)));
    if ((settings.get("type") ?? "bind") !== "bind" || settings.has("from")) return [];
    return [normal(settings.get("source") ?? settings.get("src") ?? ".")];
  });
}

function goBuilds(line: string): string[] {
  if (!/^RUN\s/i.test(line)) return [];
  return [...line.matchAll(/\bgo\s+(?:build|install|run|generate)\s([^&|;]*)/g)].flatMap(([, args = ""]) =>
    // `./...` is whatever there is: what of it becomes part of the image is not said.
    words(args).filter((word) => /^\.\/[^.$]/.test(word)),
  );
}

/** Words of a shell's command line or of a JSON array. */
function words(text: string): string[] {
  if (text.startsWith("[")) {
    const strings = [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)];
    return strings.map(([, word = ""]) => word.replaceAll(/\\(.)/g, "$1"));
  }
  return text
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => word.replace(/^(["'])(.*)\1$/, "$2"));
}

/** What an argument of the build stands for is not known here: it could be anything. */
function normal(source: string): string {
  if (source.includes("$")) return ".";
  const path = source.replace(/^(\.?\/+)+/, "").replace(/\/+$/, "");
  return path === "" ? "." : path;
}

function pair(option: string): [string, string] {
  const [key = "", ...value] = option.split("=");
  return [key, value.join("=")];
}
