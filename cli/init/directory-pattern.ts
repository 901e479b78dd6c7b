import { matchesGlob, posix } from "node:path";
import { isPlain, type FoundImage } from "./images.ts";
import type { LeftOut } from "./left-out.ts";
import type { Repository } from "./repository.ts";

/**
 * `app.services`: finds the directories of all images that need nothing more, and no other directory with a Dockerfile, so that
 * services that come later need no entry either. `undefined`: there is none to be found.
 */
export function directoryPattern(
  images: readonly FoundImage[],
  leftOut: readonly LeftOut[],
  repository: Pick<Repository, "files">,
): string | undefined {
  const plain = images.filter((image) => isPlain(image) && posix.dirname(image.dockerfile) !== ".");
  const wanted = new Set(plain.map(({ dockerfile }) => posix.dirname(dockerfile)));
  const unwanted = new Set(
    [...leftOut.map(({ path }) => path), ...images.map(({ dockerfile }) => dockerfile), ...repository.files]
      .filter((path) => posix.basename(path) === "Dockerfile")
      .map((path) => posix.dirname(path))
      .filter((directory) => !wanted.has(directory)),
  );
  const groups = Map.groupBy(wanted, (directory) => posix.dirname(directory));
  const patterns = [...groups].flatMap(([parent, directories]): string[] => {
    const within = (name: string): string => (parent === "." ? name : `${parent}/${name}`);
    if (directories.length === 1) return directories;
    const excluded = [...unwanted]
      .filter((directory) => matchesGlob(directory, within("*")))
      .map((path) => posix.basename(path));
    if (excluded.some((name) => !/^[\w.@-]+$/.test(name))) return directories;
    return [within(excluded.length === 0 ? "*" : `!(${excluded.toSorted().join("|")})`)];
  });
  const [first, ...rest] = patterns.toSorted();
  return first === undefined || rest.length === 0 ? first : `{${[first, ...rest].join(",")}}`;
}
