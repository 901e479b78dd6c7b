import { ownerFile, readOwner, type DirectoryOwner } from "../../git/directory-owner.ts";
import { parseRecord, serviceOfRecord, type ReleaseRecord } from "../../git/release-record.ts";
import type { Snapshot } from "../../git/snapshot.ts";
import type { LastChanges } from "./last-changes.ts";
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

/** @param lastChanges is asked once, if there are any differences */
export async function gitLook(
  declared: DeclaredManifests,
  facts: DirectoryFacts,
  lastChanges: (directory: string) => Promise<LastChanges>,
): Promise<Look> {
  const findings = gitFindings(declared, facts);
  if (findings.length === 0) return lookOf("git", []);
  const changes = await lastChanges(declared.directory);
  return lookOf(
    "git",
    findings.map(({ what, change }) => ({ what, change: `${change}${changes.get(what) ?? ""}` })),
  );
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
