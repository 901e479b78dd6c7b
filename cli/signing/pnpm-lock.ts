import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { integrityHashes, type LockedPackage } from "./locked-package.ts";

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
export function pnpmPackages(text: string): LockedPackage[] {
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
