/** What a build chooses of a Dockerfile. */
export interface BuildChoice {
  /** A stage, by its name or number. @default the last one */
  readonly target?: string | undefined;
  /** What an ARG of the Dockerfile stands for, instead of its default. */
  readonly buildArgs?: Readonly<Record<string, string>> | undefined;
}

/** Whether a file's name is one that Dockerfiles have: `Dockerfile`, `Dockerfile.web`, `web.Dockerfile`. */
export function isDockerfileName(name: string): boolean {
  return (
    /^((docker|container)file([._-].+)?|.+[._-](docker|container)file)$/i.test(name) &&
    !/(^|\.)(dockerignore|md|txt|[jt]s|go|py|tpl|tmpl|template|j2|orig|bak)$/i.test(name)
  );
}

/** What a build can choose of a Dockerfile: its stages and its ARGs. */
export interface Choices {
  /** Names as they are written; a stage can be chosen by its number, too. */
  readonly stages: readonly string[];
  readonly count: number;
  readonly args: ReadonlySet<string>;
}

/** @returns `undefined`: it is written for a frontend of which only the builder knows what that reads */
export function buildChoices(dockerfile: string): Choices | undefined {
  const frontend = /^(?:\s*#.*\n)*?\s*#\s*syntax\s*=\s*(\S+)/i.exec(dockerfile)?.[1];
  if (frontend !== undefined && !/^(docker\.io\/)?docker\/dockerfile(-upstream)?([:@]|$)/.test(frontend))
    return undefined;
  const stages: string[] = [];
  const args = new Set<string>();
  const state = { count: 0 };
  for (const { name, rest } of instructions(dockerfile)) {
    if (name === "FROM") {
      state.count++;
      const [, as = "", stage] = splitWords(rest).filter((word) => !word.startsWith("--"));
      if (as.toUpperCase() === "AS" && stage !== undefined) stages.push(stage);
    }
    const declared = name === "ONBUILD" ? /^ARG\s+(.*)$/is.exec(rest)?.[1] : name === "ARG" ? rest : undefined;
    for (const word of splitWords(declared ?? "")) args.add(word.split("=", 1)[0] ?? "");
  }
  return { stages, count: state.count, args };
}

/**
 * The TCP port that the stage which becomes the image EXPOSEs first, or else the stage that it builds on.
 * Source: https://docs.docker.com/reference/dockerfile/#expose
 * @returns `undefined`: there is none, or only the builder knows it
 */
export function exposedPort(dockerfile: string, { target, buildArgs = {} }: BuildChoice = {}): number | undefined {
  const given = new Map(Object.entries(buildArgs));
  const globals = new Map<string, string>();
  const stages = new Map<string, Stage>();
  const numbered: Stage[] = [];
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
      numbered.push(stage);
      if (words[1]?.toUpperCase() === "AS" && words[2] !== undefined) stages.set(words[2].toLowerCase(), stage);
    } else if (stage === undefined) {
      if (name === "ARG") declare(rest, { target: globals, known: globals, globals: new Map(), given });
    } else if (name === "ARG") {
      const known = new Map([...stage.args, ...stage.env]);
      declare(rest, { target: stage.args, known, globals, given });
    } else if (name === "ENV") setEnvironment(rest, stage);
    else if (name === "EXPOSE") {
      const known = new Map([...stage.args, ...stage.env]);
      const ports = splitWords(expand(rest, known)).map(unquote);
      stage.ports.push(
        ...ports.filter((text) => /^\d{1,9}(\/tcp)?$/i.test(text)).map((text) => Number.parseInt(text, 10)),
      );
    }
  }
  const chosen = target === undefined ? stage : (stages.get(target.toLowerCase()) ?? numbered[Number(target)]);
  return chosen && portsOf(chosen)[0];
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

interface Declarations {
  readonly target: Map<string, string>;
  readonly known: ReadonlyMap<string, string>;
  readonly globals: ReadonlyMap<string, string>;
  /** What the build gives. */
  readonly given: ReadonlyMap<string, string>;
}

/** `ARG name=value`, `ARG name`: the latter has the value of the global one, unless the build gives one. */
function declare(rest: string, { target, known, globals, given }: Declarations): void {
  for (const word of splitWords(rest)) {
    const [, name = "", preset] = /^([A-Za-z_]\w*)(?:=(.*))?$/s.exec(word) ?? [];
    const value = given.get(name) ?? (preset === undefined ? globals.get(name) : unquote(expand(preset, known)));
    if (name !== "" && value !== undefined) target.set(name, value);
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
