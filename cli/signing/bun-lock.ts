import { z } from "zod";
import { parseLenientJson } from "../../core/lenient-json.ts";
import { integrityHashes, type LockedPackage } from "./locked-package.ts";

const namesSchema = z.record(z.string(), z.string()).default({});
const takenSchema = z.object({
  dependencies: namesSchema,
  optionalDependencies: namesSchema,
  /** Bun installs them, too, unless they are optional. */
  peerDependencies: namesSchema,
  optionalPeers: z.array(z.string()).default([]),
});
type Taken = z.infer<typeof takenSchema>;

const bunSchema = z.object({
  workspaces: z.record(z.string(), takenSchema.extend({ name: z.string().optional() })),
  /** Where it is, as in node_modules: `chalk`, or `jest/chalk` for the one of another package alone. */
  packages: z.record(z.string(), z.tuple([z.string()], z.unknown())),
});

/**
 * What more than development needs of a file `bun.lock`, followed from the packages of the workspace.
 * Source: https://bun.com/docs/pm/lockfile
 */
export function bunPackages(text: string): LockedPackage[] {
  const { workspaces, packages } = bunSchema.parse(parseLenientJson(text));
  // Of the workspace's own packages, Bun installs all peers that are there, tried with 1.3.3.
  const found = new Set(
    Object.entries(workspaces).flatMap(([path, { name = "", ...taken }]) =>
      meant(path === "" ? "" : name, { ...taken, optionalPeers: [] }, packages),
    ),
  );
  // Iterating over a Set also visits what is added meanwhile.
  for (const key of found) for (const next of meant(key, takenBy(packages[key] ?? [""]), packages)) found.add(next);
  return [...found].flatMap((key): LockedPackage[] => {
    const [resolution, ...more] = packages[key] ?? [""];
    const name = /^(?:@[^/]+\/)?[^@]+/.exec(resolution)?.[0] ?? "";
    const version = resolution.slice(name.length + 1);
    if (name === "" || /^(workspace|link|root|file):|^\.{0,2}\/(?!.*\.t(ar\.)?gz$)/.test(version)) return [];
    const integrity = more.filter((part) => typeof part === "string").findLast((part) => part.startsWith("sha512-"));
    return [{ type: "npm", name, version, hashes: integrityHashes(integrity) }];
  });
}

/** The keys of what a package at a key takes: the nearest of each name, as Node.js looks it up. */
function meant(at: string, taken: Taken, packages: Readonly<Record<string, unknown>>): string[] {
  const { dependencies, optionalDependencies, peerDependencies, optionalPeers } = taken;
  const peers = Object.keys(peerDependencies).filter((name) => !optionalPeers.includes(name));
  return [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers].flatMap(
    (name) =>
      around(at)
        .map((place) => `${place}${name}`)
        .find((key) => Object.hasOwn(packages, key)) ?? [],
  );
}

/** `jest/@acme/ui/`, `jest/`, and nothing, for `jest/@acme/ui` */
function around(key: string): string[] {
  const parts = key.match(/(?:@[^/]+\/)?[^/]+/g) ?? [];
  return parts.map((_, index) => `${parts.slice(0, parts.length - index).join("/")}/`).concat("");
}

/** A package of a registry is written with its address before what it takes, and others without. */
function takenBy(entry: readonly [string, ...unknown[]]): Taken {
  const [, ...more] = entry;
  const settings = more.find((part) => typeof part === "object" && part !== null);
  const parsed = takenSchema.safeParse(settings ?? {});
  return parsed.success ? parsed.data : takenSchema.parse({});
}
