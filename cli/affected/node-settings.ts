import { posix } from "node:path";
import { z } from "zod";
import { serviceFile } from "../../components/service/service-files.ts";
import { parseLenientJson } from "../../core/lenient-json.ts";
import { isForOperations, isRepositoryMetadata } from "./affected-by.ts";
import type { SourceTree } from "./source-tree.ts";

/**
 * What the settings of a package name: those of compilers, generators and bundlers take files and packages by relative paths
 * and scoped names. Other words are words.
 * @param ignored the name of the files with the settings of services
 */
export function namesInSettings(tree: SourceTree, directory: string, ignored = serviceFile): ReadonlySet<string> {
  const names = tree.list(directory).files.filter((name) => name !== ignored && isSettings(name));
  return new Set(
    names.flatMap((name) => {
      const file = posix.join(directory, name);
      if (isForOperations(file) || isRepositoryMetadata(file)) return [];
      const text = (tree.read(file) ?? "").slice(0, longest);
      return isTypeScript(name) ? namesInTypeScript(text) : namesIn(text).filter((one) => !/^[./]*$/.test(one));
    }),
  );
}

/** Whether it is one of TypeScript's. */
export function isTypeScript(name: string): boolean {
  return /^(tsconfig|jsconfig)[^/]*\.json$/.test(name);
}

/** Those of tools that leave nothing in an image, and of runners of tasks, which are read as what they are, are not. */
function isSettings(name: string): boolean {
  return (
    /\.(json[5c]?|ya?ml|toml)$|^\.[\w-]+rc$/.test(name) &&
    !/lock\.(json|ya?ml)$|^npm-shrinkwrap\.json$/.test(name) &&
    !/^\.?(eslint|oxlint|prettier|oxfmt|biome|stylelint|jest|vitest|cypress|playwright|commitlint|lintstaged|lint-staged|release|lerna|nx\.json|turbo\.json|project\.json|tsconfig\.(spec|test|eslint|lint))/.test(
      name,
    )
  );
}

const longest = 200_000;

/** Relative paths, of a glob the directory that it is in, and scoped names. */
function namesIn(text: string): string[] {
  const words = new Set(text.split(/["'`\s,:=()[\]{}<>]/));
  return [...words]
    .filter((word) => word.length < 300)
    .map((word) => word.replace(/(\/|^)[^/]*[*?!].*$/s, "$1"))
    .filter((word) => /^(\.{1,2}\/|@[\w-])[\w@./~-]*$|^\.\.$/.test(word));
}

const settingsSchema = z.object({
  extends: z
    .union([z.string().transform((name) => [name]), z.array(z.string())])
    .optional()
    .catch(undefined),
  references: z
    .array(z.object({ path: z.string() }))
    .optional()
    .catch(undefined),
  files: z.unknown().optional(),
  include: z.unknown().optional(),
  compilerOptions: z
    .object({
      types: z.unknown().optional(),
      typeRoots: z.unknown().optional(),
      rootDirs: z.unknown().optional(),
      plugins: z.unknown().optional(),
      jsxImportSource: z.unknown().optional(),
    })
    .optional()
    .catch(undefined),
});

/** What nobody uses of the `paths` is not taken, and nothing is where results go. */
function namesInTypeScript(text: string): string[] {
  const parsed = settingsSchema.safeParse(parseLenientJson(text));
  return parsed.success ? [...(parsed.data.extends ?? []), ...namesIn(JSON.stringify(parsed.data))] : [];
}
