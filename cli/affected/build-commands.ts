import { posix } from "node:path";
import { readCargo, type CargoTargets } from "./cargo-command.ts";
import { isPythonProgram, readPython, type PythonInstallation } from "./python-command.ts";

/**
 * What a command of a build works with: the imports of Go, the packages of Node, the crates of Cargo, the packages of Python,
 * or something that is not understood here, such as a script, which may read whatever there is.
 */
export type Tool = "go" | "node" | "cargo" | "python" | "unknown";

interface CommandReading {
  readonly tools: readonly Tool[];
  /** What `go build`, `install`, … are called with, and whether they write the programs of all packages that are named. */
  readonly go?: { readonly words: readonly string[]; readonly writes: boolean };
  /** What a package manager of Node is called with. */
  readonly node?: readonly string[];
  /** What `cargo build` and `install` are to make. */
  readonly cargo?: CargoTargets;
  /** What a package manager of Python installs. */
  readonly python?: PythonInstallation;
  /** The paths that it reads, and nothing else; of a glob or a variable, the directory that it is in. */
  readonly reads?: readonly string[];
}

/** These read nothing of the sources, or nothing that could come into what is built. */
const harmless = new Set(
  (
    ": true false exit set unset export umask ulimit shopt cd pwd ls echo printf mkdir rmdir rm touch chmod chown chgrp test [ " +
    "apk apt apt-get apt-cache dpkg yum dnf microdnf rpm add-apt-repository gpg gpgconf update-ca-certificates ldconfig " +
    "adduser addgroup useradd groupadd usermod groupmod deluser id whoami getent setcap curl wget unzip gunzip xz sha256sum " +
    "sha512sum uname arch date nproc rustup which command hash type strip upx du df stat sleep wait locale-gen localedef env printenv git ( )"
  ).split(" "),
);
/** Words before a command that say whether it runs, or how. */
const prefixes = new Set("if then else elif fi ! { } time exec nice".split(" "));

/** Says of one simple command what it takes of the sources; what is not known to take nothing takes everything. */
export function readCommand(given: readonly string[]): CommandReading {
  const words = withoutPrefixes(given);
  const [program] = words;
  if (program === undefined) return { tools: [] };
  if (/(^|[/-])go$/.test(program)) return readGo(words.slice(1));
  if (/^(npm|pnpm|yarn|bun|corepack)$/.test(program)) return readNode(program, words.slice(1));
  if (program === "cargo") return readCargo(words.slice(1));
  if (isPythonProgram(program)) return readPython(program, words.slice(1));
  if (program === "cp" || program === "mv") return readCopy(words.slice(1));
  if (program === "cd") return { tools: words.length === 2 && !/[$~]|^-$/.test(words[1] ?? "") ? [] : ["unknown"] };
  return { tools: harmless.has(program) ? [] : ["unknown"] };
}

function withoutPrefixes(words: readonly string[]): readonly string[] {
  const start = words.findIndex((word, index) => {
    if (prefixes.has(word) || /^[A-Za-z_]\w*\+?=/.test(word)) return false;
    // `env` is a command of its own, where none follows.
    return !(word === "env" && words.slice(index + 1).some((next) => !next.includes("=")));
  });
  return start === -1 ? [] : words.slice(start);
}

function readGo(words: readonly string[]): CommandReading {
  const at = words[0] === "-C" ? 2 : /^--?C=/.test(words[0] ?? "") ? 1 : 0;
  const [command = ""] = words.slice(at);
  const rest = [...words.slice(0, at), ...words.slice(at + 1)];
  switch (command) {
    case "build":
    case "install": {
      const unclear =
        goArguments(rest, "/").named.some((word) => /[$*?[{~]/.test(word)) ||
        rest.some((word) => /^--?(overlay|pgo|modfile|toolexec|compiler)\b/.test(word));
      const writes = command === "install" || rest.some((word) => /^--?o(=|$)/.test(word));
      return { tools: unclear ? ["go", "unknown"] : ["go"], go: { words: rest, writes } };
    }
    // What a program reads while the image is built, its imports do not say.
    case "run":
    case "generate":
      return { tools: ["go", "unknown"], go: { words: rest, writes: false } };
    case "mod":
    case "work":
    case "get":
    case "env":
    case "version":
    case "clean":
    case "vet":
    case "test":
    case "list":
    case "fmt":
      return { tools: [] };
    default:
      return { tools: ["unknown"] };
  }
}

/** Source: `go help build` */
const valued =
  /^--?(o|p|C|asmflags|buildmode|compiler|covermode|coverpkg|exec|gccgoflags|gcflags|installsuffix|ldflags|mod|modfile|overlay|pgo|pkgdir|run|skip|tags|toolexec)$/;

/** Where `go build` and the like work, and what packages they name. */
export function goArguments(
  words: readonly string[],
  directory: string,
): { readonly at: string; readonly named: readonly string[] } {
  const named = words.filter((word, index) => !word.startsWith("-") && !valued.test(words[index - 1] ?? ""));
  const change = words.findIndex((word) => /^--?C(=|$)/.test(word));
  const [, given = words[change + 1] ?? ""] = /=(.*)$/.exec(words[change] ?? "") ?? [];
  const at = change === -1 ? directory : posix.resolve(directory, given);
  return { at, named: named.length === 0 ? ["."] : named };
}

/** Package managers run scripts, of which their words name some; `npx` and the like run anything. */
function readNode(program: string, words: readonly string[]): CommandReading {
  if (program === "corepack" || /^(config|cache|--version|-v|set)$/.test(words[0] ?? "")) return { tools: [] };
  const runsAnything = words.some((word) => /^(exec|x|dlx|node|explore)$/.test(word));
  return { tools: runsAnything ? ["node", "unknown"] : ["node"], node: words };
}

/** Options that take a word or change more than what is copied are not told apart. */
function readCopy(words: readonly string[]): CommandReading {
  const given = words.filter((word) => !word.startsWith("-"));
  if (words.some((word) => /^(-[a-zA-Z]*[tTS]|--(target|suffix|no-target))/.test(word)) || given.length < 2)
    return { tools: ["unknown"] };
  const known = given.slice(0, -1).map((word) => {
    const wild = word.search(/[$*?[{~]/);
    return wild === -1 ? word : word.slice(0, word.lastIndexOf("/", wild) + 1);
  });
  return { tools: [], reads: known.map((word) => (word === "" ? "." : word)) };
}
