import { previewName } from "../core/names.ts";
import type { Snapshot } from "./snapshot.ts";

/** Where the environment of one pull request is in the deploy repository, e.g. `previews/pr-12`. @param pullRequest its number, or what stands for it in a template */
export function previewDirectory(pullRequest: number | string): string {
  return `previews/${previewName(pullRequest)}`;
}

/** The paths of the files of all preview environments, by the number of the pull request. */
export function previewPaths(snapshot: Snapshot): Map<number, string[]> {
  const numbered = [...snapshot.entries.keys()].flatMap((path) => {
    const number = /^previews\/pr-([1-9]\d{0,9})\//.exec(path)?.[1];
    return number === undefined ? [] : [{ number: Number(number), path }];
  });
  return new Map(
    [...Map.groupBy(numbered, ({ number }) => number)].map(([number, files]) => [
      number,
      files.map(({ path }) => path),
    ]),
  );
}
