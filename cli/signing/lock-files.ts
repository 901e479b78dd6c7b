import { posix } from "node:path";
import { parse as parseToml } from "smol-toml";
import { z } from "zod";
import { bunPackages } from "./bun-lock.ts";
import type { LockedPackage } from "./locked-package.ts";
import { npmPackages } from "./npm-lock.ts";
import { pnpmPackages } from "./pnpm-lock.ts";
import { yarnPackages } from "./yarn-lock.ts";

/** The files that are read, by their names, each in its own form. What no such file says is no part of an SBOM. */
const readers: Readonly<Record<string, (text: string, manifests: readonly string[]) => LockedPackage[]>> = {
  "go.mod": goModules,
  "package-lock.json": npmPackages,
  "npm-shrinkwrap.json": npmPackages,
  "pnpm-lock.yaml": pnpmPackages,
  "yarn.lock": yarnPackages,
  "bun.lock": bunPackages,
  "Cargo.lock": (text) => tomlPackages(text, "cargo"),
  "uv.lock": (text) => tomlPackages(text, "pypi"),
  "poetry.lock": (text) => tomlPackages(text, "pypi"),
  "requirements.txt": pythonRequirements,
  "composer.lock": composerPackages,
};

export function isLockFile(path: string): boolean {
  return Object.hasOwn(readers, posix.basename(path));
}

/**
 * The packages that a lock file names, but for those that are for development alone and those of the monorepo itself.
 * @param manifests package.json of the packages that it is for, as far as the image depends on them
 * @throws Error if the file is not in its form
 */
export function lockedPackages(path: string, text: string, manifests: readonly string[] = []): LockedPackage[] {
  return readers[posix.basename(path)]?.(text, manifests) ?? [];
}

/** Source: https://go.dev/ref/mod#go-mod-file-lexical */
function goModules(text: string): LockedPackage[] {
  const lines = text
    .replaceAll(/\/\/.*$/gm, "")
    .replaceAll(/^(require|replace)\s+\(([^)]*)\)/gm, (_, word: string, block: string) =>
      block.replaceAll(/^\s*(?=\S)/gm, `${word} `),
    )
    .split("\n")
    .map((line) =>
      line
        .trim()
        .split(/\s+/)
        .map((part) => part.replace(/^"(.*)"$/, "$1")),
    );
  const replaced = new Map(
    lines.flatMap(([word, ...parts]): [string, readonly string[]][] => {
      const at = parts.indexOf("=>");
      return word === "replace" && at > 0 ? [[parts.slice(0, at).join(" "), parts.slice(at + 1)]] : [];
    }),
  );
  return lines.flatMap(([word, name = "", version = ""]): LockedPackage[] => {
    if (word !== "require" || !version.startsWith("v")) return [];
    // What a directory takes the place of has no version, and is the monorepo's own.
    const [path = "", as] = replaced.get(`${name} ${version}`) ?? replaced.get(name) ?? [name, version];
    return as === undefined ? [] : [{ type: "golang", name: path, version: as, hashes: {} }];
  });
}

const uvNames = z.array(z.object({ name: z.string(), version: z.string().optional() })).catch([]);
const uvGroups = z.record(z.string(), uvNames).catch({});

const tomlSchema = z.object({
  package: z
    .array(
      z.object({
        name: z.string(),
        version: z.string().optional(),
        source: z.unknown().optional(),
        checksum: z.string().optional(),
        groups: z.array(z.string()).optional(),
        category: z.string().optional(),
        // Of uv; Cargo's and Poetry's are of other forms.
        dependencies: uvNames,
        "optional-dependencies": uvGroups,
        "dev-dependencies": uvGroups,
      }),
    )
    .default([]),
});
type TomlPackage = z.infer<typeof tomlSchema>["package"][number];

/** Packages of the monorepo have no source in Cargo's file, a path in uv's, and in Poetry's one that is called a directory. */
function tomlPackages(text: string, type: "cargo" | "pypi"): LockedPackage[] {
  const packages = tomlSchema.parse(parseToml(text)).package;
  const used = uvUsed(packages);
  return packages.flatMap((entry): LockedPackage[] => {
    const { name, version, source, checksum } = entry;
    const isOwn =
      type === "cargo"
        ? source === undefined
        : isUvProject(entry) || z.object({ type: z.literal("directory") }).safeParse(source).success;
    // Of Poetry: by groups, and by a category in older files.
    const isForDevelopment = (entry.groups ?? [entry.category]).join() === "dev" || !used.has(entry);
    if (isOwn || isForDevelopment || version === undefined) return [];
    return [{ type, name, version, hashes: checksum === undefined ? {} : { "SHA-256": checksum } }];
  });
}

function isUvProject({ source }: TomlPackage): boolean {
  return ["editable", "virtual", "directory"].some((key) => Object.hasOwn(Object(source), key));
}

/** What the projects of a file of uv need beyond their group `dev`; all, where there are none. */
function uvUsed(packages: readonly TomlPackage[]): ReadonlySet<TomlPackage> {
  const projects = packages.filter(isUvProject);
  const byName = Map.groupBy(packages, ({ name }) => name);
  const found = new Set(projects.length === 0 ? packages : projects);
  // Iterating over a Set also visits what is added meanwhile.
  for (const { dependencies, "optional-dependencies": extras, "dev-dependencies": groups } of found) {
    const { dev: _, ...others } = groups;
    for (const { name, version } of [dependencies, ...Object.values(extras), ...Object.values(others)].flat())
      for (const next of byName.get(name) ?? []) if ((version ?? next.version) === next.version) found.add(next);
  }
  return found;
}

/** Only what is pinned is known. Source: https://packaging.python.org/specifications/dependency-specifiers/ */
function pythonRequirements(text: string): LockedPackage[] {
  return text.split("\n").flatMap((line): LockedPackage[] => {
    const [, name = "", version = ""] = /^\s*([\w.-]+)(?:\[[^\]]*\])?\s*==\s*([\w.!+-]+)/.exec(line) ?? [];
    return name === ""
      ? []
      : [{ type: "pypi", name: name.toLowerCase().replaceAll(/[-_.]+/g, "-"), version, hashes: {} }];
  });
}

const composerSchema = z.object({ packages: z.array(z.object({ name: z.string(), version: z.string() })).default([]) });

function composerPackages(text: string): LockedPackage[] {
  return composerSchema
    .parse(JSON.parse(text))
    .packages.map(({ name, version }) => ({ type: "composer", name, version, hashes: {} }));
}
