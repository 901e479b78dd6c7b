import { posix } from "node:path";
import { parse as parseToml } from "smol-toml";
import { parseAllDocuments } from "yaml";
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

const pnpmDependencies = z.record(z.string(), z.union([z.string(), z.object({ version: z.string() })])).default({});
const pnpmTaken = z.object({ dependencies: pnpmDependencies, optionalDependencies: pnpmDependencies });

const pnpmSchema = z.object({
  lockfileVersion: z.union([z.string(), z.number()]).default(""),
  importers: z.record(z.string(), pnpmTaken).default({}),
  packages: z
    .record(
      z.string(),
      z.object({
        name: z.string().optional(),
        version: z.string().optional(),
        resolution: z.object({ integrity: z.string().optional(), type: z.string().optional() }).optional(),
        dev: z.boolean().default(false),
      }),
    )
    .default({}),
  /** Since version 9, where `dev` is no more: what each package takes, by its name, version and peers. */
  snapshots: z.record(z.string(), pnpmTaken).optional(),
});

/**
 * pnpm 11 and 12 write a document before that of the project, where that says by which pnpm it is installed; nothing of that is
 * in the image. Source: https://pnpm.io/lockfile
 */
function pnpmPackages(text: string): LockedPackage[] {
  const document = parseAllDocuments(text).at(-1);
  const [error] = document?.errors ?? [];
  if (error !== undefined) throw error;
  const { lockfileVersion, packages, ...graph } = pnpmSchema.parse(document?.toJS());
  const used = pnpmUsed(graph);
  // Up to version 5, `/name/1.0.0_peers`; since then, `/name@1.0.0(peers)`, and without the slash.
  const form = String(lockfileVersion).startsWith("5")
    ? /^\/((?:@[^/]+\/)?[^/]+)\/([^_/]+)/
    : /^\/?((?:@[^/]+\/)?[^@/]+)@([^@:(/]+)(?:\(.*)?$/;
  return Object.entries(packages).flatMap(([key, { resolution, dev, ...entry }]): LockedPackage[] => {
    // Node.js itself may be among them, which is no package of npm.
    const isOther = resolution?.type === "directory" || key.includes("@runtime:");
    if (dev || isOther || used?.has(key) === false) return [];
    const [, name = /^(?:@[^/]+\/)?[^@/:]+(?=@)/.exec(key)?.[0], version] = form.exec(key) ?? [];
    const named = { name: entry.name ?? name, version: entry.version ?? version };
    if (named.name === undefined || named.version === undefined) return [];
    return [{ type: "npm", name: named.name, version: named.version, hashes: integrityHashes(resolution?.integrity) }];
  });
}

/** What more than development needs, without its peers; `undefined`: the packages say so themselves. */
function pnpmUsed({
  importers,
  snapshots,
}: Pick<z.infer<typeof pnpmSchema>, "importers" | "snapshots">): ReadonlySet<string> | undefined {
  if (snapshots === undefined) return undefined;
  const taken = ({ dependencies, optionalDependencies }: z.infer<typeof pnpmTaken>): string[] =>
    Object.entries({ ...dependencies, ...optionalDependencies }).map(([name, given]) => {
      const version = typeof given === "string" ? given : given.version;
      // Under another name, the version is the whole key.
      return Object.hasOwn(snapshots, version) ? version : `${name}@${version}`;
    });
  const found = new Set(Object.values(importers).flatMap(taken));
  // Iterating over a Set also visits what is added meanwhile.
  for (const key of found) {
    const snapshot = snapshots[key];
    if (snapshot !== undefined) for (const next of taken(snapshot)) found.add(next);
  }
  return new Set([...found].map((key) => key.replace(/\(.*$/s, "")));
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
        groups: z.array(z.string()).optional(),
        category: z.string().optional(),
      }),
    )
    .default([]),
});

/** Packages of the monorepo have no source in Cargo's file, a path in uv's, and in Poetry's one that is called a directory. */
function tomlPackages(text: string, type: "cargo" | "pypi"): LockedPackage[] {
  return tomlSchema.parse(parseToml(text)).package.flatMap((entry): LockedPackage[] => {
    const { name, version, source, checksum } = entry;
    const isOwn =
      type === "cargo"
        ? source === undefined
        : ["editable", "virtual", "directory"].some((key) => Object.hasOwn(Object(source), key)) ||
          z.object({ type: z.literal("directory") }).safeParse(source).success;
    // Of Poetry: by groups, and by a category in older files.
    const isForDevelopment = (entry.groups ?? [entry.category]).join() === "dev";
    if (isOwn || isForDevelopment || version === undefined) return [];
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
