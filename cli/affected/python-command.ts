/** What a call of a package manager of Python installs from the sources. */
export interface PythonInstallation {
  /** Directories of projects, and files that name such. */
  readonly paths: readonly string[];
  /** The members of a workspace that it installs, by their names, beside the project where it is called. */
  readonly members: readonly string[];
  /** All members of the workspace. */
  readonly workspace: boolean;
}

interface PythonReading {
  readonly tools: readonly ("python" | "unknown")[];
  readonly python?: PythonInstallation;
}

const nothing: PythonReading = { tools: [] };
const unclear: PythonReading = { tools: ["unknown"] };

export function isPythonProgram(program: string): boolean {
  return /^(python(\d(\.\d+)?)?|pip(\d(\.\d+)?)?|uv|poetry|pdm|pipenv|virtualenv)$/.test(program);
}

/** Says what a call takes of the sources; what runs a program of the sources may read all that is there. */
export function readPython(program: string, words: readonly string[]): PythonReading {
  const [command = "", ...rest] = words;
  if (program === "virtualenv") return nothing;
  if (program.startsWith("pip") && program !== "pipenv") return readPip(words);
  if (program.startsWith("python")) {
    if (/^(--version|-V)$/.test(command)) return nothing;
    if (command !== "-m") return unclear;
    const [module = "", ...args] = rest;
    if (module === "pip") return readPip(args);
    if (/^(venv|virtualenv|ensurepip|compileall)$/.test(module)) return nothing;
    return /^(uv|poetry|pdm|pipenv)$/.test(module) ? readPython(module, args) : unclear;
  }
  if (program === "uv" && command === "pip") return readPip(rest);
  if (/^(--version|config|self|cache|venv|python|tool|about|show|env|lock|check)$/.test(command)) return nothing;
  return /^(install|sync|export|build)$/.test(command) ? readProject(rest) : unclear;
}

/** Source: https://pip.pypa.io/en/stable/cli/pip_install/ and https://docs.astral.sh/uv/reference/cli/#uv-pip */
const pipValued =
  /^(-[ift]|--(index-url|extra-index-url|find-links|target|prefix|root|src|upgrade-strategy|no-binary|only-binary|platform|python-version|implementation|abi|trusted-host|timeout|retries|cache-dir|python|wheel-dir|dest|progress-bar|report|index|default-index|index-strategy|keyring-provider|link-mode|extra))$/;
const pathValued = /^(-[rce]|-w|--(requirement|constraint|editable|override|build-constraint))$/;

function readPip(given: readonly string[]): PythonReading {
  const start = given.findIndex((word) => !word.startsWith("-"));
  const [command = "", ...words] = start === -1 ? [] : given.slice(start);
  if (/^(|cache|config|list|freeze|uninstall|check|show|debug|hash|index|inspect|tree)$/.test(command)) return nothing;
  if (!/^(install|sync|wheel|download)$/.test(command)) return unclear;
  const paths: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    const [, name = word, joined] = /^(--[\w-]+)=(.*)$/s.exec(word) ?? /^(-[rce])(.+)$/s.exec(word) ?? [];
    if (pathValued.test(name)) paths.push(joined ?? words[++index] ?? "");
    else if (pipValued.test(name)) index += joined === undefined ? 1 : 0;
    else if (!word.startsWith("-") && !isRequirement(word)) paths.push(word);
  }
  if (paths.some((path) => /[$*?{~]/.test(path))) return unclear;
  return { tools: ["python"], python: { paths: paths.map(pathOf), members: [], workspace: false } };
}

/** Whether it is the name of a package, with or without its version, that an index has. */
function isRequirement(word: string): boolean {
  return /^[A-Za-z0-9][\w.-]*(\[[^\]]*\])?\s*([<>=!~;@].*)?$/s.test(word) && !/@\s*(\.|file:)/.test(word);
}

/** `./lib[extra]`, `lib @ file:///app/lib` */
function pathOf(requirement: string): string {
  const [path = ""] = requirement.replace(/^[\w.-]+\s*(\[[^\]]*\]\s*)?@\s*/, "").split(";", 1);
  return path
    .trim()
    .replace(/^file:(\/\/(localhost)?)?/, "")
    .replace(/\[[^\]]*\]$/, "");
}

/** Source: https://docs.astral.sh/uv/reference/cli/#uv-sync and https://python-poetry.org/docs/cli/ */
function readProject(words: readonly string[]): PythonReading {
  const paths = new Set(["."]);
  const members: string[] = [];
  const found = { workspace: false };
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    const [, name = word, joined] = /^(--[\w-]+)=(.*)$/s.exec(word) ?? [];
    const value = (): string => joined ?? words[++index] ?? "";
    if (name === "--package") members.push(value());
    else if (/^--all(-packages)?$/.test(name)) found.workspace = true;
    else if (/^(--project|--directory|-C|-P)$/.test(name)) paths.add(value());
    else if (name === "-p" || name === "--python") value();
    else if (/[$*]/.test(word) && !word.startsWith("-")) return unclear;
  }
  if ([...paths, ...members].some((word) => /[$*?{~]/.test(word))) return unclear;
  return { tools: ["python"], python: { paths: [...paths], members, workspace: found.workspace } };
}
