import { previewName } from "../../core/names.ts";
import { commitToBranch } from "../../git/deploy-repository.ts";
import { previewPaths } from "../../git/preview-directory.ts";
import type { GitHub } from "../github/github.ts";
import type { PreviewPlace } from "./place.ts";
import { whyUnwanted } from "./wanted.ts";

export interface RemovedPreviews {
  /** The numbers of the pull requests, and what is the matter with each, to complete "it …". */
  readonly removed: ReadonlyMap<number, string>;
  /** The commit made; `undefined`: nothing was to be removed. */
  readonly commit: string | undefined;
}

/**
 * Takes the environments of pull requests that are no longer to have one out of the deploy repository, by one commit. Argo CD
 * removes what runs by itself; this is the tidying up after it.
 */
export async function removePreviews({ environment, label }: PreviewPlace, github: GitHub): Promise<RemovedPreviews> {
  let removed: ReadonlyMap<number, string> = new Map();
  const { commit, changed } = await commitToBranch(environment, async (snapshot) => {
    const there = previewPaths(snapshot);
    const reasons = await Promise.all(
      [...there.keys()].map(async (number) => [number, whyUnwanted(await github.pullRequest(number), label)] as const),
    );
    removed = new Map(reasons.flatMap(([number, reason]) => (reason === undefined ? [] : [[number, reason] as const])));
    return {
      write: {},
      remove: [...removed.keys()].flatMap((number) => there.get(number) ?? []),
      message: `preview: remove ${[...removed.keys()].map(previewName).join(", ")}\n\n${[...removed.keys()].map((number) => `Pull-Request: ${number}`).join("\n")}\n`,
    };
  });
  return { removed, commit: changed ? commit : undefined };
}
