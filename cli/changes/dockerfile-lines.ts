/** The instructions of a Dockerfile, one per line, without comments and continuations. */
export function instructions(text: string): string[] {
  return text
    .replaceAll(/^\s*#.*\r?\n/gm, "")
    .replaceAll(/\\[ \t]*\r?\n/g, " ")
    .split(/\r?\n/)
    .map((line) => line.trim());
}

/** The arguments of an instruction, which are words or a JSON array. */
export function argumentsOf(text: string): string[] {
  if (text.startsWith("[")) {
    const strings = [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)];
    return strings.map(([, word = ""]) => word.replaceAll(/\\(.)/g, "$1"));
  }
  return text
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => word.replace(/^(["'])(.*)\1$/, "$2"));
}

/** A path of the context, relative to it. What an argument of the build stands for is not known here: it could be anything. */
export function contextPath(source: string): string {
  const known = source.includes("$") ? source.slice(0, source.lastIndexOf("/", source.indexOf("$")) + 1) : source;
  const path = known.replace(/^(\.?\/+)+/, "").replace(/\/+$/, "");
  return path === "" ? "." : path;
}
