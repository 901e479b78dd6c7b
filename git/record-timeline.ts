import type { Git } from "./git-command.ts";
import { parseRecord, serviceOfRecord, type ReleaseRecord } from "./release-record.ts";

/** What a service ran from a commit of the deploy repository on. */
export interface RecordedRelease {
  /** The commit of the deploy repository, in full. */
  readonly commit: string;
  /** When it was made, ISO 8601 in UTC. */
  readonly at: string;
  readonly record: ReleaseRecord;
}

/**
 * What each service of an environment has run, the newest first. Records that were invalid are left out: nothing followed them.
 * @param head a commit of the deploy repository, whose history is there
 * @param directory the environment's
 */
export async function recordTimelines(
  git: Git,
  head: string,
  directory: string,
): Promise<ReadonlyMap<string, readonly RecordedRelease[]>> {
  const shown = ["--first-parent", "--diff-merges=first-parent", "--name-only", "--no-renames", "-z"];
  const records = `:(glob)${escapeGlob(directory)}/*/release/kustomization.yaml`;
  const output = await git(["log", ...shown, "--format=%x1e%H %ct", head, "--", records]);
  const entries = output
    .toString()
    .split("\u001E")
    .slice(1)
    .flatMap((text) => {
      const [heading = "", ...paths] = text.split("\0");
      const [commit = "", seconds] = heading.split(" ");
      const at = new Date(Number(seconds) * 1000).toISOString();
      return paths.flatMap((part) => {
        const path = part.replace(/^\n/, "");
        const service = serviceOfRecord(directory, path);
        return service === undefined ? [] : [{ commit, at, path, service }];
      });
    });
  const texts = await readBlobs(
    git,
    entries.map(({ commit, path }) => `${commit}:${path}`),
  );
  const releases = entries.flatMap(({ commit, at, path, service }, index) => {
    const text = texts[index];
    const record = text === undefined ? undefined : parseRecord(path, text);
    return record === undefined || "problems" in record ? [] : [{ service, commit, at, record }];
  });
  return Map.groupBy(releases, ({ service }) => service);
}

/** In a pathspec, these have a meaning of their own. */
function escapeGlob(path: string): string {
  return path.replaceAll(/[\\*?[\]]/g, String.raw`\$&`);
}

/** By one process for all. @returns in their order; `undefined`: there is no such file */
async function readBlobs(git: Git, names: readonly string[]): Promise<readonly (string | undefined)[]> {
  if (names.length === 0) return [];
  const output = await git(["cat-file", "--batch"], names.map((name) => `${name}\n`).join(""));
  let offset = 0;
  return names.map(() => {
    const end = output.indexOf("\n", offset);
    const [, size] = / blob (\d+)$/.exec(output.subarray(offset, end).toString()) ?? [];
    offset = end + 1;
    if (size === undefined) return undefined;
    const text = output.subarray(offset, offset + Number(size)).toString();
    offset += Number(size) + 1;
    return text;
  });
}
