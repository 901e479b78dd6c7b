import { z } from "zod";
import { integrityHashes, type LockedPackage } from "./locked-package.ts";

const packagesSchema = z.object({
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

/** Of npm 6 and before, as a tree of what is in which directory. */
interface Dependency {
  version: string;
  integrity?: string | undefined;
  dev: boolean;
  dependencies: Record<string, Dependency>;
}
const dependenciesSchema: z.ZodType<Record<string, Dependency>> = z.lazy(() =>
  z.record(
    z.string(),
    z.object({
      version: z.string(),
      integrity: z.string().optional(),
      dev: z.boolean().default(false),
      dependencies: dependenciesSchema.default({}),
    }),
  ),
);
const treeSchema = z.object({ lockfileVersion: z.literal(1), dependencies: dependenciesSchema.default({}) });

/** Source: https://docs.npmjs.com/cli/configuring-npm/package-lock-json */
export function npmPackages(text: string): LockedPackage[] {
  const content: unknown = JSON.parse(text);
  const tree = treeSchema.safeParse(content);
  if (tree.success) return packagesIn(tree.data.dependencies);
  return Object.entries(packagesSchema.parse(content).packages).flatMap(([path, entry]): LockedPackage[] => {
    const name = entry.name ?? path.split("node_modules/").at(-1) ?? "";
    if (!path.includes("node_modules/") || entry.dev || entry.link || entry.version === undefined) return [];
    return [{ type: "npm", name, version: entry.version, hashes: integrityHashes(entry.integrity) }];
  });
}

function packagesIn(dependencies: Readonly<Record<string, Dependency>>): LockedPackage[] {
  return Object.entries(dependencies).flatMap(([key, { version: written, integrity, dev, dependencies: below }]) => {
    // Under another name: `npm:left-pad@1.3.0`.
    const [, name = key, version = written] = /^npm:((?:@[^/@]+\/)?[^/@]+)@(.+)$/.exec(written) ?? [];
    const isOwn = /^file:(?!.*\.t(ar\.)?gz$)/.test(version);
    const own: LockedPackage[] =
      dev || isOwn ? [] : [{ type: "npm", name, version, hashes: integrityHashes(integrity) }];
    return [...own, ...packagesIn(below)];
  });
}
