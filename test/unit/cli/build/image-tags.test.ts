import { expect, test } from "vitest";
import { imageTags, type TagArgs } from "../../../../cli/build/image-tags.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";
const release: TagArgs = {
  stableTag: "0.2",
  buildNumber: "117",
  commit,
  releasable: true,
  movesStableTag: false,
};
test.each<[what: string, args: TagArgs, tags: string[]]>([
  ["a build of CI", release, ["0.2.117", commit]],
  ["a build by hand", { ...release, buildNumber: undefined }, [commit]],
  ["a build that Argo CD Image Updater is to notice", { ...release, movesStableTag: true }, ["0.2.117", commit, "0.2"]],
  ["a build of a branch", { ...release, releasable: false, movesStableTag: true }, [commit]],
])("the tags of %s", (_what, given, tags) => expect(imageTags(given)).toEqual(tags));
