import { parse } from "yaml";
import { z } from "zod";
import { parsedJson } from "../../core/json.ts";
import { integrityHashes, type LockedPackage } from "./locked-package.ts";

/** A package of a lock file of Yarn, whichever version of that has written it. */
interface Entry {
  /** What asks for it, e.g. `ms@^2.0.0`. */
  readonly keys: readonly string[];
  readonly name: string;
  readonly version: string;
  readonly integrity?: string | undefined;
  /** Whether it is the monorepo's. */
  readonly isOwn: boolean;
  readonly dependencies: Readonly<Record<string, string>>;
}

/**
 * The file does not say what is for development: the dependencies of the manifests that it is for are followed.
 * Source: https://classic.yarnpkg.com/lang/en/docs/yarn-lock/ and https://yarnpkg.com/configuration/manifest
 * @param manifests package.json of the packages that it is for; none: all that is in it counts
 */
export function yarnPackages(text: string, manifests: readonly string[]): LockedPackage[] {
  const entries = /^__metadata:/m.test(text) ? berryEntries(text) : classicEntries(text);
  const used = manifests.length === 0 ? entries : usedEntries(entries, manifests);
  return [...used].flatMap(({ isOwn, name, version, integrity }): LockedPackage[] =>
    isOwn ? [] : [{ type: "npm", name, version, hashes: integrityHashes(integrity) }],
  );
}

const namesSchema = z.record(z.string(), z.string()).default({});
const manifestSchema = z.object({ dependencies: namesSchema, optionalDependencies: namesSchema });

function usedEntries(entries: readonly Entry[], manifests: readonly string[]): ReadonlySet<Entry> {
  const keyed = entries.flatMap((entry) => entry.keys.map((key) => [key, entry] as const));
  const byKey = new Map(keyed);
  const byName = Map.groupBy(keyed, ([key]) => nameIn(key));
  const meant = (dependencies: Readonly<Record<string, string>>): Entry[] =>
    Object.entries(dependencies).flatMap(([name, range]) => {
      const exact = byKey.get(`${name}@${range}`) ?? byKey.get(`${name}@npm:${range}`);
      // What `resolutions` sets has another key than what asks for it.
      return exact === undefined ? (byName.get(name) ?? []).map(([, entry]) => entry) : [exact];
    });
  const found = new Set(
    manifests.flatMap((text) => {
      const parsed = manifestSchema.safeParse(parsedJson(text));
      return parsed.success ? meant({ ...parsed.data.dependencies, ...parsed.data.optionalDependencies }) : [];
    }),
  );
  // Iterating over a Set also visits what is added meanwhile.
  for (const { dependencies } of found) for (const next of meant(dependencies)) found.add(next);
  return found;
}

/** `@acme/ui` of `@acme/ui@npm:^1.0.0` */
function nameIn(key: string): string {
  return /^(?:@[^/]+\/)?[^@]+/.exec(key)?.[0] ?? key;
}

const isDirectory = (range: string): boolean => /^(link|portal|workspace):|^file:(?!.*\.t(ar\.)?gz\b)/.test(range);

const berrySchema = z.record(
  z.string(),
  z.object({ version: z.string(), resolution: z.string(), dependencies: namesSchema }),
);

/** Of Yarn 2 and later. A checksum there is that of a file that Yarn makes itself. */
function berryEntries(text: string): Entry[] {
  const { __metadata: _, ...packages } = z.record(z.string(), z.unknown()).parse(parse(text, { schema: "failsafe" }));
  return Object.entries(berrySchema.parse(packages)).map(([keys, { version, resolution, dependencies }]) => {
    const name = nameIn(resolution);
    const range = resolution.slice(name.length + 1);
    // Of a member of a workspace, those for development are among them: its manifest tells.
    const isMember = range.startsWith("workspace:");
    return {
      keys: keys.split(", "),
      name,
      version,
      isOwn: isDirectory(range),
      dependencies: isMember ? {} : dependencies,
    };
  });
}

/** Of Yarn 1, in a form of its own: what is indented belongs to what is above. @throws Error for a line of no such form */
function classicEntries(text: string): Entry[] {
  const found: { keys: string[]; settings: Record<string, string>; dependencies: Record<string, string> }[] = [];
  let section = "";
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const [, keys] = /^(\S.*):$/.exec(line) ?? [];
    const [, indent = "", written = "", value] =
      /^( +)("(?:[^"\\]|\\.)*"|[^\s"]+)(?::| ("(?:[^"\\]|\\.)*"|\S+))$/.exec(line) ?? [];
    const entry = found.at(-1);
    if (keys !== undefined)
      found.push({ keys: [...keys.matchAll(quotedOrBare)].map(([key]) => plain(key)), settings: {}, dependencies: {} });
    else if (indent.length === 2 && entry !== undefined) {
      section = value === undefined ? written : "";
      if (value !== undefined) entry.settings[written] = plain(value);
    } else if (indent.length === 4 && entry !== undefined && value !== undefined) {
      if (/^(optionalD|d)ependencies$/.test(section)) entry.dependencies[plain(written)] = plain(value);
    } else throw new Error(`line ${index + 1} is in no form of Yarn's: ${JSON.stringify(line.slice(0, 60))}`);
  }
  return found.map(({ keys, settings: { version = "", integrity }, dependencies }) => {
    const [key = ""] = keys;
    const range = key.slice(nameIn(key).length + 1);
    const name = nameIn(range.startsWith("npm:") ? range.slice("npm:".length) : key);
    return { keys, name, version, integrity, isOwn: isDirectory(range), dependencies };
  });
}

const quotedOrBare = /"(?:[^"\\]|\\.)*"|[^\s,"]+/g;

function plain(written: string): string {
  return written.startsWith('"') ? String(JSON.parse(written)) : written;
}
