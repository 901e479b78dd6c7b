/** One instruction of a Dockerfile: its lines joined, without comments. */
export interface Instruction {
  /** In capital letters. */
  readonly keyword: string;
  /** All behind the keyword. */
  readonly rest: string;
  /** The contents of its here-documents. */
  readonly documents: readonly string[];
}

export interface Instructions {
  readonly instructions: readonly Instruction[];
  /** Whether all of the file is understood: it is written for another frontend, or not to its end, if not. */
  readonly complete: boolean;
}

const keywords = new Set(
  "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR".split(
    " ",
  ),
);

/**
 * Reads each line once: here-documents, continued lines, the escape character that the file chooses.
 * Source: https://docs.docker.com/reference/dockerfile/
 */
export function parseInstructions(text: string): Instructions {
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/);
  const { escape, frontend } = parserDirectives(lines);
  const instructions: Instruction[] = [];
  let complete = frontend === undefined || /^(docker\.io\/)?docker\/dockerfile(-upstream)?([:@]|$)/.test(frontend);
  for (let at = 0; at < lines.length;) {
    const joined: string[] = [];
    for (let continued = true; continued && at < lines.length; at++) {
      const line = lines[at] ?? "";
      // Comments and empty lines may stand between continued ones.
      if (/^\s*(#|$)/.test(line)) {
        if (joined.length === 0) break;
        continue;
      }
      const end = line.trimEnd();
      continued = end.endsWith(escape) && end.at(-2) !== escape;
      joined.push(continued ? end.slice(0, -1) : line);
    }
    if (joined.length === 0) {
      at++;
      continue;
    }
    const instruction = instructionOf(joined.join("").trim());
    const takesDocuments = ["RUN", "COPY", "ADD"].includes(instruction.keyword);
    const documents: string[] = [];
    for (const { name, tabs } of takesDocuments ? documentNames(instruction.rest) : []) {
      let end = at;
      while (end < lines.length && (tabs ? lines[end]?.replace(/^\t+/, "") : lines[end]) !== name) end++;
      if (end === lines.length) complete = false;
      documents.push(lines.slice(at, end).join("\n"));
      at = end + 1;
    }
    if (!keywords.has(instruction.keyword)) complete = false;
    instructions.push({ ...instruction, documents });
  }
  return { instructions, complete };
}

/** What a build that is made from this image does counts as done here. */
function instructionOf(line: string): Omit<Instruction, "documents"> {
  const [word = ""] = /^\S+/.exec(line) ?? [];
  const keyword = word.toUpperCase();
  const rest = line.slice(word.length).trim();
  return keyword === "ONBUILD" && rest !== "" ? instructionOf(rest) : { keyword, rest };
}

/** Only the first lines can be directives. */
function parserDirectives(lines: readonly string[]): { escape: string; frontend: string | undefined } {
  const found = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = /^\s*#\s*(\w+)\s*=\s*(\S+)\s*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) break;
    found.set(name.toLowerCase(), value);
  }
  return { escape: found.get("escape") === "`" ? "`" : "\\", frontend: found.get("syntax") };
}

const documentWord = /^\d*<<(-?)(["']?)([A-Za-z_][\w.-]*)\2$/;

function documentNames(rest: string): { name: string; tabs: boolean }[] {
  return rest.split(/\s+/).flatMap((word) => {
    const [, dash, , name] = documentWord.exec(word) ?? [];
    return name === undefined ? [] : [{ name, tabs: dash === "-" }];
  });
}

/** Whether a word begins a here-document. */
export function isDocument(word: string): boolean {
  return documentWord.test(word);
}

/** The flags at the beginning of an instruction, and what follows them. */
export function splitFlags(rest: string): { flags: readonly string[]; rest: string } {
  const flags: string[] = [];
  let left = rest;
  for (let flag = /^--\S+/.exec(left); flag !== null; flag = /^--\S+/.exec(left)) {
    flags.push(flag[0]);
    left = left.slice(flag[0].length).trimStart();
  }
  return { flags, rest: left };
}

/** The strings of an instruction in JSON; `undefined`: it is not written so. */
export function jsonWords(text: string): readonly string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((word) => typeof word === "string") ? value : undefined;
  } catch {
    return undefined;
  }
}
