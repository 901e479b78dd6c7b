import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ReplacedFile } from "./patched-module.ts";

/**
 * The files that take the place of those of other modules, which are below `left-out/` by their import path and name.
 *
 * The clients of clouds, and a language's standard library as a literal of 8 MB, are half of what some tools are compiled
 * from, and nothing here calls them. What is left out says so when it is called all the same.
 *
 * @param folder the tools' own, or that of a family with a module of its own, with go.mod, and `left-out/` where it leaves something out
 */
export function leftOutFiles(folder: string): ReplacedFile[] {
  if (!existsSync(join(folder, "left-out"))) return [];
  const modules = requirements(readFileSync(join(folder, "go.mod"), "utf8"));
  return readdirSync(join(folder, "left-out"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".go") && !isLocalModule(folder, path))
    .toSorted()
    .map((path) => {
      const module = moduleOf(path, modules);
      return { module, file: path.slice(module.length + 1), by: join(folder, "left-out", path) };
    });
}

/** go.mod replaces these itself, by their folder. */
function isLocalModule(folder: string, path: string): boolean {
  return existsSync(join(folder, "left-out", path.split("/")[0] ?? "", "go.mod"));
}

function requirements(goMod: string): string[] {
  const blocks = [...goMod.matchAll(/^require \(\n(.*?)^\)/gms)].map(([, block = ""]) => block);
  return blocks.flatMap((block) => [...block.matchAll(/^\t(\S+) v/gm)].map(([, module = ""]) => module));
}

/** The longest path that fits. */
function moduleOf(path: string, modules: readonly string[]): string {
  const [module] = modules
    .filter((candidate) => path.startsWith(`${candidate}/`))
    .toSorted((one, other) => other.length - one.length);
  if (module === undefined) throw new Error(`left-out/${path}: go.mod requires no module with this path`);
  return module;
}
