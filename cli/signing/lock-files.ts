import { posix } from "node:path";
import { parse as parseToml } from "smol-toml";
import { parse as parseYaml } from "yaml";
import { z } from "zod";

/** A package that a lock file names. */
export interface LockedPackage {
  /** As package URLs have it, e.g. `npm`. */
  readonly type: "golang" | "npm" | "cargo" | "pypi" | "composer";
  /** As the language writes it, e.g. `@scope/name` or `github.com/lib/pq`. */
  readonly name: string;
  readonly version: string;
  /** By CycloneDX's names of algorithms, in hex. */
  readonly hashes: Readonly<Partial<Record<"SHA-256" | "SHA-512", string>>>;
}

/** The files that are read, by their names, each in its own form. What no such file says is no part of an SBOM. */
const readers: Readonly<Record<string, (text: string) => LockedPackage[]>> = {
  "go.mod": goModules,
  "package-lock.json": npmPackages,
  "pnpm-lock.yaml": pnpmPackages,
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
 * @throws Error if the file is not in its form
 */
export function lockedPackages(path: string, text: string): LockedPackage[] {
  return readers[posix.basename(path)]?.(text) ?? [];
}

/** Source: https://go.dev/ref/mod#go-mod-file-lexical */
function goModules(text: string): LockedPackage[] {
  return text
    .replaceAll(/\/\/.*$/gm, "")
    .replaceAll(/^require\s+\(([^)]*)\)/gm, (_, lines: string) => lines.replaceAll(/^\s*(?=\S)/gm, "require "))
    .split("\n")
    .flatMap((line): LockedPackage[] => {
      const [, name = "", version = ""] = /^require\s+"?([^\s"]+)"?\s+(v\S+)/.exec(line) ?? [];
      return name === "" ? [] : [{ type: "golang", name, version, hashes: {} }];
    });
}

const npmSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      name: z.string().optional(),
      version: z.string().optional(),
      integrity: z.string().optional(),
      dev: z.boolean().default(false),
      link: z.boolean().default(false),
    }),
  ),
});

/** Source: https://docs.npmjs.com/cli/configuring-npm/package-lock-json */
function npmPackages(text: string): LockedPackage[] {
  return Object.entries(npmSchema.parse(JSON.parse(text)).packages).flatMap(([path, entry]): LockedPackage[] => {
    const name = entry.name ?? path.split("node_modules/").at(-1) ?? "";
    if (!path.includes("node_modules/") || entry.dev || entry.link || entry.version === undefined) return [];
    return [{ type: "npm", name, version: entry.version, hashes: integrityHashes(entry.integrity) }];
  });
}

const pnpmSchema = z.object({
  packages: z
    .record(z.string(), z.object({ resolution: z.object({ integrity: z.string().optional() }).optional() }))
    .default({}),
});

function pnpmPackages(text: string): LockedPackage[] {
  return Object.entries(pnpmSchema.parse(parseYaml(text)).packages).flatMap(
    ([key, { resolution }]): LockedPackage[] => {
      const [, name = "", version = ""] = /^\/?(@?[^@]+)@([^@(/]+)(?:\(.*)?$/.exec(key) ?? [];
      return name === "" ? [] : [{ type: "npm", name, version, hashes: integrityHashes(resolution?.integrity) }];
    },
  );
}

/** Source: https://www.w3.org/TR/SRI/ */
function integrityHashes(integrity = ""): LockedPackage["hashes"] {
  const [, value] = /sha512-([A-Za-z0-9+/]+=*)/.exec(integrity) ?? [];
  return value === undefined ? {} : { "SHA-512": Buffer.from(value, "base64").toString("hex") };
}

const tomlSchema = z.object({
  package: z
    .array(
      z.object({
        name: z.string(),
        version: z.string().optional(),
        source: z.unknown().optional(),
        checksum: z.string().optional(),
      }),
    )
    .default([]),
});

/** Packages of the monorepo have no source in Cargo's file, and a path in uv's. */
function tomlPackages(text: string, type: "cargo" | "pypi"): LockedPackage[] {
  return tomlSchema.parse(parseToml(text)).package.flatMap(({ name, version, source, checksum }): LockedPackage[] => {
    const isOwn =
      type === "cargo"
        ? source === undefined
        : ["editable", "virtual", "directory"].some((key) => Object.hasOwn(Object(source), key));
    if (isOwn || version === undefined) return [];
    return [{ type, name, version, hashes: checksum === undefined ? {} : { "SHA-256": checksum } }];
  });
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
