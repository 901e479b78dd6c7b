/**
 * The TCP port that the final stage of a Dockerfile EXPOSEs first, or else the stage that it builds on.
 * Source: https://docs.docker.com/reference/dockerfile/#expose
 * @returns `undefined`: there is none, or only the builder knows it
 */
export function exposedPort(dockerfile: string): number | undefined {
  const globals = new Map<string, string>();
  const stages = new Map<string, Stage>();
  let stage: Stage | undefined;
  for (const { name, rest } of instructions(dockerfile)) {
    if (name === "FROM") {
      const words = splitWords(rest).filter((word) => !word.startsWith("--"));
      const base = stages.get(expand(words[0] ?? "", globals).toLowerCase());
      // The environment comes along with the stage, and so does what it EXPOSEs; its build arguments do not.
      stage = {
        ports: [],
        inherited: base === undefined ? [] : portsOf(base),
        env: new Map(base?.env),
        args: new Map(),
      };
      if (words[1]?.toUpperCase() === "AS" && words[2] !== undefined) stages.set(words[2].toLowerCase(), stage);
    } else if (stage === undefined) {
      if (name === "ARG") declare(rest, globals, globals, new Map());
    } else if (name === "ARG") declare(rest, stage.args, new Map([...stage.args, ...stage.env]), globals);
    else if (name === "ENV") setEnvironment(rest, stage);
    else if (name === "EXPOSE") {
      const known = new Map([...stage.args, ...stage.env]);
      const ports = splitWords(expand(rest, known)).map(unquote);
      stage.ports.push(
        ...ports.filter((text) => /^\d{1,9}(\/tcp)?$/i.test(text)).map((text) => Number.parseInt(text, 10)),
      );
    }
  }
  return stage && portsOf(stage)[0];
}

interface Stage {
  /** Its own, in order. */
  readonly ports: number[];
  /** Those of the stage that it builds on. */
  readonly inherited: readonly number[];
  readonly env: Map<string, string>;
  readonly args: Map<string, string>;
}

function portsOf({ ports, inherited }: Stage): number[] {
  return [...ports, ...inherited];
}

interface Instruction {
  /** In capitals. */
  readonly name: string;
  readonly rest: string;
}

/** The instructions, each on one line: without comments and without the texts of heredocs. */
function instructions(dockerfile: string): Instruction[] {
  const lines = dockerfile.replace(/^\ufeff/, "").split(/\r?\n/);
  const escape = escapeCharacter(lines);
  const found: Instruction[] = [];
  for (let at = 0; at < lines.length; at++) {
    const parts: string[] = [];
    let continues = true;
    for (; continues && at < lines.length; at++) {
      const line = lines[at] ?? "";
      if (/^\s*#/.test(line)) continue;
      // An empty line does not end an instruction that goes on.
      if (line.trim() === "" && parts.length > 0) continue;
      const trimmed = line.trimEnd();
      continues = trimmed.endsWith(escape);
      parts.push(continues ? trimmed.slice(0, -1) : line);
    }
    at--;
    const [, name = "", rest = ""] = /^\s*([a-z]+)\s+(\S.*)$/is.exec(parts.join("")) ?? [];
    if (name === "") continue;
    found.push({ name: name.toUpperCase(), rest: rest.trim() });
    if (/^(RUN|COPY|ADD)$/i.test(name)) at = heredocsEnd(rest, lines, at);
  }
  return found;
}

/** Backslash, unless a directive in the first lines names another one. */
function escapeCharacter(lines: readonly string[]): string {
  for (const line of lines) {
    const [, name = "", value = ""] = /^\s*#\s*([a-z]+)\s*=\s*(\S+)\s*$/i.exec(line) ?? [];
    if (name === "") return "\\";
    if (name.toLowerCase() === "escape") return value;
  }
  return "\\";
}

/** The index of the last line of an instruction's heredocs; an unfinished one is none. */
function heredocsEnd(rest: string, lines: readonly string[], start: number): number {
  let at = start;
  for (const word of splitWords(rest)) {
    const [, tabs, name] = /^\d*<<(-?)["']?([^\s<>"']+)["']?$/.exec(word) ?? [];
    if (name === undefined) continue;
    const isEnd = (line: string): boolean => (tabs === "-" ? line.replace(/^\t+/, "") : line) === name;
    const end = lines.findIndex((line, index) => index > at && isEnd(line));
    if (end > at) at = end;
  }
  return at;
}

/** `ARG name=value`, `ARG name`: the latter has the value of the global one. */
function declare(
  rest: string,
  target: Map<string, string>,
  known: ReadonlyMap<string, string>,
  globals: ReadonlyMap<string, string>,
): void {
  for (const word of splitWords(rest)) {
    const [, name = "", value] = /^([A-Za-z_]\w*)(?:=(.*))?$/s.exec(word) ?? [];
    const given = value === undefined ? globals.get(name) : unquote(expand(value, known));
    if (name !== "" && given !== undefined) target.set(name, given);
  }
}

/** `ENV name=value …` and `ENV name value`. All values of one instruction see the environment before it. */
function setEnvironment(rest: string, { env, args }: Stage): void {
  const known = new Map([...args, ...env]);
  const words = splitWords(rest);
  if (words[0]?.includes("=") === false) {
    env.set(words[0], unquote(expand(rest.slice(words[0].length).trim(), known)));
    return;
  }
  for (const word of words) {
    const index = word.indexOf("=");
    if (index > 0) env.set(word.slice(0, index), unquote(expand(word.slice(index + 1), known)));
  }
}

/** Words between white space; quotes keep it together. */
function splitWords(text: string): string[] {
  return text.match(/(?:"[^"]*"|'[^']*'|[^\s"']|["'])+/g) ?? [];
}

function unquote(text: string): string {
  return text.replaceAll(/"([^"]*)"|'([^']*)'/g, (_match, double?: string, single?: string) => double ?? single ?? "");
}

/** `$name`, `${name}`, `${name:-default}` and `${name:+other}`. What is not known is empty. */
function expand(text: string, known: ReadonlyMap<string, string>): string {
  return text.replaceAll(
    /\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-+])([^{}]*))?\})/g,
    (_match, plain?: string, braced?: string, operator = "", word = "") => {
      const value = known.get(plain ?? braced ?? "");
      const isSet = operator.startsWith(":") ? value !== undefined && value !== "" : value !== undefined;
      if (operator.endsWith("-")) return isSet ? (value ?? "") : expand(word, known);
      if (operator.endsWith("+")) return isSet ? expand(word, known) : "";
      return value ?? "";
    },
  );
}
