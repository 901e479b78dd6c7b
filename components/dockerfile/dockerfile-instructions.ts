import { splitWords } from "./dockerfile-words.ts";

/** One instruction of a Dockerfile: its lines joined, without comments. */
export interface Instruction {
  /** In capital letters. */
  readonly keyword: string;
  /** All behind the keyword. */
  readonly rest: string;
  /** The contents of its here-documents. */
  readonly documents: readonly string[];
  /** Whether it is for builds that are made from this image (ONBUILD). @default false */
  readonly deferred?: true;
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
  let complete = isKnown(frontend);
  let endless = 0;
  let stages = 0;
  for (let at = 0; at < lines.length;) {
    if (instructions.length === mostInstructions || stages > mostStages) return { instructions, complete: false };
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
    if (instruction.keyword === "FROM") stages++;
    const documents: string[] = [];
    const { rest, names } = documentsOf(instruction);
    for (const { name, tabs } of names) {
      if (endless === mostEndless) break;
      let end = at;
      while (end < lines.length && (tabs ? lines[end]?.replace(/^\t+/, "") : lines[end]) !== name) end++;
      // BuildKit refuses one that has no end; others take `<<` for something else.
      if (end === lines.length) endless++;
      else {
        documents.push(lines.slice(at, end).join("\n"));
        at = end + 1;
      }
    }
    if (endless > 0 || !keywords.has(instruction.keyword)) complete = false;
    instructions.push({ ...instruction, ...(documents.length === 0 ? {} : { rest }), documents });
  }
  return { instructions, complete };
}

/** What a build that is made from this image does counts as done here. */
function instructionOf(line: string): Omit<Instruction, "documents"> {
  const { keyword, rest } = firstWord(line);
  return keyword === "ONBUILD" && rest !== "" ? { ...firstWord(rest), deferred: true } : { keyword, rest };
}

function firstWord(line: string): Pick<Instruction, "keyword" | "rest"> {
  const [word = ""] = /^\S+/.exec(line) ?? [];
  return { keyword: word.toUpperCase(), rest: line.slice(word.length).trim() };
}

/** So many instructions and stages are read: each stage has what those before it have. */
const mostInstructions = 5_000;
const mostStages = 300;
/** So often the rest of the file is looked through for the end of a here-document that has none. */
const mostEndless = 20;

/** Whether it is written for a frontend whose instructions are those of Docker's own. */
export function frontendIsKnown(text: string): boolean {
  return isKnown(parserDirectives(text.replace(/^\ufeff/, "").split(/\r?\n/)).frontend);
}

function isKnown(frontend: string | undefined): boolean {
  return frontend === undefined || /^(docker\.io\/)?docker\/dockerfile(-upstream)?([:@]|$)/.test(frontend);
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

const documentWord = /^\d*<<(-?)([^<]+)$/;

/** The here-documents of an instruction, and what is behind its keyword with each as one word: `<< EOF` is `<<EOF`. */
function documentsOf({ keyword, rest: given }: Pick<Instruction, "keyword" | "rest">): {
  rest: string;
  names: { name: string; tabs: boolean }[];
} {
  if (!/^(RUN|COPY|ADD)$/.test(keyword) || !given.includes("<<") || jsonWords(splitFlags(given).rest) !== undefined)
    return { rest: given, names: [] };
  const rest = given.replaceAll(/(?<=<<)\s+/g, "");
  const names = splitWords(rest).flatMap((word) => {
    const [, dash, quoted = ""] = documentWord.exec(word) ?? [];
    const name = quoted.replaceAll(/["']/g, "");
    return name === "" ? [] : [{ name, tabs: dash === "-" }];
  });
  return { rest, names };
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
