import { allowedIn } from "../../git/allowed-images.ts";
import { ownerFile, readOwner, type DirectoryOwner } from "../../git/directory-owner.ts";
import type { Git } from "../../git/git-command.ts";
import { parseMigration, serviceOfMigration } from "../../git/migration-record.ts";
import { parseRecord, serviceOfRecord, type ReleaseRecord } from "../../git/release-record.ts";
import type { Snapshot } from "../../git/snapshot.ts";
import { describeUnsigned, type UnsignedPath } from "../../git/unsigned-paths.ts";
import { checkOf, type Check, type Finding } from "./report.ts";
import type { DeclaredManifests } from "./stack-state.ts";

/** What is in the environment's directory of the deploy repository. */
interface DirectoryStatus {
  /** Path → content. */
  readonly files: ReadonlyMap<string, string>;
  readonly owner: DirectoryOwner | undefined;
}

export async function readDirectory(snapshot: Snapshot, directory: string): Promise<DirectoryStatus> {
  const paths = [...snapshot.entries.keys()].filter((path) => path.startsWith(`${directory}/`));
  return { files: await snapshot.read(paths), owner: await readOwner(snapshot, directory) };
}

/** The records of a directory that can be read; those that cannot are findings of the check. */
export function recordsIn(directory: string, { files }: DirectoryStatus): Map<string, ReleaseRecord> {
  return new Map(
    [...files].flatMap(([path, text]) => {
      const service = serviceOfRecord(directory, path);
      const record = service === undefined ? undefined : parseRecord(path, text);
      return service === undefined || record === undefined || "problems" in record ? [] : [[service, record] as const];
    }),
  );
}

/**
 * @param lastChanges is called once, if there are any differences
 * @param unsigned the paths that nobody has signed who may change them. @default commits are not signed
 */
export async function gitCheck(
  declared: DeclaredManifests,
  status: DirectoryStatus,
  lastChanges: (directory: string) => Promise<LastChanges>,
  unsigned: readonly UnsignedPath[] = [],
): Promise<Check> {
  const findings = gitFindings(declared, status);
  const signatures = unsignedFindings(unsigned);
  if (findings.length === 0) return checkOf("git", signatures);
  const changes = await lastChanges(declared.directory);
  return checkOf("git", [
    ...findings.map(({ what, change }) => ({ what, change: `${change}${changes.get(what) ?? ""}` })),
    ...signatures,
  ]);
}

/** One for each commit: it may have changed hundreds of files. */
function unsignedFindings(unsigned: readonly UnsignedPath[]): Finding[] {
  return [...Map.groupBy(unsigned, ({ commit }) => commit).values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const what = others.length === 0 ? first.path : `${first.path} and ${others.length} more`;
    return [{ what, change: describeUnsigned(first) }];
  });
}

/** Each is about one path. */
export function gitFindings(declared: DeclaredManifests, { files, owner }: DirectoryStatus): Finding[] {
  const own = ownerFile(declared.directory);
  const written = Object.entries(declared.files).flatMap(([what, content]): Finding[] => {
    const found = files.get(what);
    if (found === undefined) return [{ what, change: "was deleted" }];
    return found === content ? [] : [{ what, change: "was edited" }];
  });
  const deleted = Object.keys(declared.records).filter((path) => !files.has(path));
  const others = [...files].flatMap(([what, text]): Finding[] => {
    if (what in declared.files || what === own) return [];
    const initial = declared.records[what];
    if (initial === undefined) return [{ what, change: "is not of this stack" }];
    if (serviceOfMigration(declared.directory, what) !== undefined) return migrationFindings(what, text);
    if (serviceOfRecord(declared.directory, what) !== undefined) return recordFindings(what, text, initial);
    return allowedFindings(what, text);
  });
  const lost = deleted.map((what) => ({ what, change: "was deleted, so that nothing says what is to run" }));
  return [...written, ...lost, ...others, ...ownerFindings(declared, own, owner)];
}

/** A record may name any digest, but only of the service's own image: kustomize ignores any other. */
function recordFindings(what: string, text: string, initial: string): Finding[] {
  const record = parseRecord(what, text);
  if ("problems" in record) {
    const problems = record.problems.map(({ location, message }) =>
      `${location.slice(what.length + 2)} ${message}`.trim(),
    );
    return [{ what, change: `is faulty: ${problems.join("; ")}` }];
  }
  const declared = parseRecord(what, initial);
  const desired = "problems" in declared ? undefined : declared.image?.repository;
  const named = record.image?.repository;
  if (desired === undefined || named === undefined || desired === named) return [];
  return [{ what, change: `names the image ${named} instead of ${desired}` }];
}

function migrationFindings(what: string, text: string): Finding[] {
  const migration = parseMigration(what, text);
  if (migration === undefined || !("problems" in migration)) return [];
  const problems = migration.problems.map(({ location, message }) =>
    `${location.slice(what.length + 2)} ${message}`.trim(),
  );
  return [{ what, change: `is faulty: ${problems.join("; ")}` }];
}

/** What pods may have beside the image of the release record. */
function allowedFindings(what: string, text: string): Finding[] {
  const images = allowedIn(text);
  if (images === undefined) return [{ what, change: "is faulty: it must be a ConfigMap of images, or empty" }];
  return images
    .filter((image) => !/@sha256:[0-9a-f]{64}$/.test(image))
    .map((image) => ({ what, change: `allows ${JSON.stringify(image)}, which is no image by digest` }));
}

function ownerFindings({ stack }: DeclaredManifests, what: string, owner: DirectoryOwner | undefined): Finding[] {
  if (owner === undefined)
    return [{ what, change: "is gone or cannot be read, so that another stack may take the directory" }];
  return owner.stack === stack ? [] : [{ what, change: `says that the directory belongs to the stack ${owner.stack}` }];
}

/** By path, the commit that changed it last, e.g. ` in 1a2b3c4 by Ada`. */
type LastChanges = ReadonlyMap<string, string>;

/**
 * Reads the history of a directory by one process, however many files of it differ: Git takes longer to pick some hundred
 * files out of the history than to list all of it.
 * @param head of the branch; `undefined`: the branch is not there
 */
export function lastChangesIn(git: Git, head: string | undefined): (directory: string) => Promise<LastChanges> {
  const options = ["--first-parent", "--diff-merges=first-parent", "--root", "--no-renames", "--name-only", "-z"];
  return async (directory) => {
    if (head === undefined) return new Map();
    const output = await git(["log", ...options, `--format=${mark}%h by %an`, head, "--", `:(literal)${directory}`]);
    return parseLog(output.toString());
  };
}

/** Separates commits in the log: no path begins like this. */
const mark = "//";

/** The newest commit comes first; then its paths, the first of them on a new line. */
function parseLog(log: string): LastChanges {
  const [, ...commits] = `\0${log}`.split(`\0${mark}`);
  const changes = commits.flatMap((text) => {
    const [commit = "", first = "", ...others] = text.split("\0");
    return [first.replace(/^\n/, ""), ...others].map((path) => [path, ` in ${commit}`] as const);
  });
  // Of several commits of one path the newest counts.
  return new Map(changes.toReversed());
}
