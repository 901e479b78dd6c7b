import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { outputOf } from "../../../core/process.ts";

/** A line of a module that no flag, variable or hook of the program can change from outside. */
export interface SourcePatch {
  /** One of those that the tools depend on. */
  module: string;
  /** Below the module's folder. */
  file: string;
  /** Occurs there exactly once. */
  from: string;
  to: string;
}

/** The source with the patch. @throws Error where the patch does not fit, as after an upgrade */
export function patchedSource(source: string, { module, file, from, to }: SourcePatch): string {
  const found = source.split(from).length - 1;
  if (found === 1) return source.replace(from, () => to);
  throw new Error(
    `${module}: ${file} has ${found === 0 ? "no" : `${found} times`} ${JSON.stringify(from)}, which is to become ${JSON.stringify(to)}: ` +
      "look at what the new version has there, and correct the patch in sandbox/machine/tools/source-patches.ts.",
  );
}

/** A file of a module that is replaced as a whole. */
export interface ReplacedFile {
  module: string;
  /** Below the module's folder. */
  file: string;
  /** Path of what takes its place. */
  by: string;
}

/**
 * Copies modules, changes the copies, and writes a go.mod beside them that takes them in place of the originals: Go refuses
 * to overlay files of its module cache, and a changed file there would be used by every other build.
 *
 * @param folder the tools' own, with go.mod and go.sum
 * @param changes their modules are those of `sources`
 * @param sources where the modules lie, by their names
 * @param work a folder for the copies; what an earlier build has left there goes
 * @returns the path for `-modfile`
 */
export async function writePatchedModules(
  folder: string,
  { patches, files }: { patches: readonly SourcePatch[]; files: readonly ReplacedFile[] },
  sources: ReadonlyMap<string, string>,
  work: string,
): Promise<string> {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const replacements: string[] = [];
  for (const [module, source] of sources) {
    const copy = join(work, String(replacements.length));
    // Links take no room; what changes is removed first, so that the original stays as it is.
    await outputOf("cp", ["--archive", "--link", "--", source, copy]);
    const replace = (file: string, content: string): void => {
      rmSync(join(copy, file));
      writeFileSync(join(copy, file), content);
    };
    for (const { file, by } of files.filter((one) => one.module === module)) replace(file, readFileSync(by, "utf8"));
    for (const patch of patches.filter((one) => one.module === module))
      replace(patch.file, patchedSource(readFileSync(join(copy, patch.file), "utf8"), patch));
    replacements.push(`replace ${module} => ${JSON.stringify(copy)}\n`);
  }
  const path = join(work, "go.mod");
  writeFileSync(path, `${readFileSync(join(folder, "go.mod"), "utf8")}\n${replacements.join("")}`);
  // Go looks for the sums beside the file that -modfile names.
  writeFileSync(join(work, "go.sum"), readFileSync(join(folder, "go.sum"), "utf8"));
  return path;
}
