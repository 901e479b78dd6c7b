import { shellCommands } from "./shell-commands.ts";

/** Compilers and the like: they read the package that they are called in, and what its code imports. */
const tools = new Set(
  (
    "tsc tsup tsdown vue-tsc swc babel esbuild rollup rolldown webpack webpack-cli rspack rsbuild vite vite-node next nuxt nuxi " +
    "astro remix gatsby nest ng react-scripts react-router vue-cli-service svelte-kit svelte-check parcel ncc microbundle unbuild " +
    "pkgroll tailwindcss postcss sass lessc eslint oxlint biome prettier jest vitest mocha playwright cypress husky patch-package " +
    "turbo nx lerna rimraf mkdirp del-cli echo rm mkdir true cross-env npm-run-all npm-run-all2 run-s run-p concurrently"
  ).split(" "),
);
const managers = new Set(["npm", "pnpm", "yarn", "bun"]);
const lifecycle = ["preinstall", "install", "postinstall", "prepare", "prepublish"];

/** What package managers run. */
interface CalledScripts {
  /** What they are called with, and the words of all scripts that this comes to: scripts, tasks and packages among them. */
  readonly names: ReadonlySet<string>;
  /**
   * Whether all of it reads no more than the packages and what they import. What is a program of the repository's own, a
   * shell's or another tool, may read anything.
   */
  readonly understood: boolean;
}

/**
 * @param words what package managers are called with in a Dockerfile
 * @param packages the scripts of those that may be meant
 */
export function calledScripts(
  words: Iterable<string>,
  packages: readonly Readonly<Record<string, string>>[],
): CalledScripts {
  // An installation runs what is to be run around it, whatever it is called.
  const names = new Set([...words, ...lifecycle]);
  const state = { understood: true };
  for (const name of names)
    for (const scripts of packages)
      for (const script of [`pre${name}`, name, `post${name}`]) {
        const text = Object.hasOwn(scripts, script) ? scripts[script] : undefined;
        if (text === undefined) continue;
        const { commands, complete } = shellCommands(text);
        if (!complete || !commands.every((command) => isUnderstood(command, names))) state.understood = false;
      }
  return { names, understood: state.understood };
}

function isUnderstood(command: readonly string[], names: Set<string>): boolean {
  const words = command.filter((word) => !/^\w+=/.test(word));
  const [program = ""] = words;
  if (program === "(" || program === ")") return true;
  if (words.some((word) => word.includes("../") || /^(node|tsx|ts-node|bash|sh|make|npx)$/.test(word))) return false;
  for (const word of words) names.add(word.replace(/^(npm|pnpm|yarn):/, ""));
  return managers.has(program) || tools.has(program);
}
