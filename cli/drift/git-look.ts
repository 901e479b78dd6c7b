import { ownerFile, readOwner, type DirectoryOwner } from "../../git/directory-owner.ts";
import type { Git } from "../../git/git-command.ts";
import { parseRecord, serviceOfRecord, type ReleaseRecord } from "../../git/release-record.ts";
import type { Snapshot } from "../../git/snapshot.ts";
import { lookOf, type Finding, type Look } from "./model.ts";
import type { DeclaredManifests } from "./stack-state.ts";

/** What is in the environment's directory of the deploy repository. */
export interface DirectoryFacts {
  /** Path → content. */
  readonly files: ReadonlyMap<string, string>;
  readonly owner: DirectoryOwner | undefined;
}

export async function readDirectory(snapshot: Snapshot, directory: string): Promise<DirectoryFacts> {
  const paths = [...snapshot.entries.keys()].filter((path) => path.startsWith(`${directory}/`));
  return { files: await snapshot.read(paths), owner: await readOwner(snapshot, directory) };
}

/** The records of a directory that can be read; those that cannot are found by the look. */
export function recordsIn(directory: string, { files }: DirectoryFacts): Map<string, ReleaseRecord> {
  return new Map(
    [...files].flatMap(([path, text]) => {
      const service = serviceOfRecord(directory, path);
      const record = service === undefined ? undefined : parseRecord(path, text);
      return service === undefined || record === undefined || "problems" in record ? [] : [[service, record] as const];
    }),
  );
}

/** @param lastChange says by which commit a path was changed last */
export async function gitLook(
  declared: DeclaredManifests,
  facts: DirectoryFacts,
  lastChange: (path: string) => Promise<string>,
): Promise<Look> {
  const findings = gitFindings(declared, facts).map(async ({ what, change }) => ({
    what,
    change: `${change}${await lastChange(what)}`,
  }));
  return lookOf("git", await Promise.all(findings));
}

/** Each is about one path. */
export function gitFindings(declared: DeclaredManifests, { files, owner }: DirectoryFacts): Finding[] {
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
    return initial === undefined ? [{ what, change: "is not of this stack" }] : recordFindings(what, text, initial);
  });
  const lost = deleted.map((what) => ({ what, change: "was deleted, so that nothing says what is to run" }));
  return [...written, ...lost, ...others, ...ownerFindings(declared, own, owner)];
}

/** A record may name any digest, but of the service's own image: kustomize passes over any other. */
function recordFindings(what: string, text: string, initial: string): Finding[] {
  const record = parseRecord(what, text);
  if ("problems" in record) {
    const problems = record.problems.map(({ place, message }) => `${place.slice(what.length + 2)} ${message}`.trim());
    return [{ what, change: `is faulty: ${problems.join("; ")}` }];
  }
  const declared = parseRecord(what, initial);
  const wanted = "problems" in declared ? undefined : declared.image?.repository;
  const named = record.image?.repository;
  if (wanted === undefined || named === undefined || wanted === named) return [];
  return [{ what, change: `names the image ${named} instead of ${wanted}` }];
}

function ownerFindings({ stack }: DeclaredManifests, what: string, owner: DirectoryOwner | undefined): Finding[] {
  if (owner === undefined)
    return [{ what, change: "is gone or cannot be read, so that another stack may take the directory" }];
  return owner.stack === stack ? [] : [{ what, change: `says that the directory belongs to the stack ${owner.stack}` }];
}

/** ` in 1a2b3c4 by Ada`, from the history; empty where it is not known. */
export function lastChangeIn(git: Git, tip: string): (path: string) => Promise<string> {
  return async (path) => {
    const format = "--format=%h%x1f%an";
    const output = await git(["log", "-1", "--first-parent", "--diff-merges=first-parent", format, tip, "--", path]);
    const [commit = "", author = ""] = output.toString().trim().split("\u001F");
    return commit === "" ? "" : ` in ${commit} by ${author}`;
  };
}
