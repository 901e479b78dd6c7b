import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A line of a module that no flag, variable or hook of the program can change from outside. */
export interface SourcePatch {
  /** One of those that the family's module depends on. */
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
      "look at what the new version has there, and correct the patch in sandbox/machine/tools/go-tools.ts.",
  );
}

/**
 * Copies modules, patches the copies, and writes a go.mod beside them that takes them in place of the originals: Go refuses
 * to overlay files of its module cache, and a patched file there would be used by every other build.
 *
 * @param folder the family's own, with go.mod and go.sum
 * @param sources where the patched modules lie, by their names
 * @param work a folder for the copies; what an earlier build has left there goes
 * @returns the path for `-modfile`
 */
export function writePatchedModules(
  folder: string,
  patches: readonly SourcePatch[],
  sources: ReadonlyMap<string, string>,
  work: string,
): string {
  rmSync(work, { recursive: true, force: true });
  const replacements = [...sources].map(([module, source], index) => {
    const copy = join(work, String(index));
    cpSync(source, copy, { recursive: true });
    for (const patch of patches.filter((one) => one.module === module)) {
      const path = join(copy, patch.file);
      const patched = patchedSource(readFileSync(path, "utf8"), patch);
      // The original is read-only, and so is its copy.
      rmSync(path);
      writeFileSync(path, patched);
    }
    return `replace ${module} => ${JSON.stringify(copy)}\n`;
  });
  const path = join(work, "go.mod");
  writeFileSync(path, `${readFileSync(join(folder, "go.mod"), "utf8")}\n${replacements.join("")}`);
  // Go looks for the sums beside the file that -modfile names.
  writeFileSync(join(work, "go.sum"), readFileSync(join(folder, "go.sum"), "utf8"));
  return path;
}
