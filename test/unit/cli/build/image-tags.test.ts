import { expect, test } from "vitest";
import { imageTags, type TagFacts } from "../../../../cli/build/image-tags.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";
const status: TagFacts = {
  stableTag: "0.2",
  buildNumber: "117",
  commit,
  releasable: true,
  movesStableTag: false,
};
test.each<[what: string, facts: TagFacts, tags: string[]]>([
  ["a build of CI", status, ["0.2.117", commit]],
  ["a build by hand", { ...status, buildNumber: undefined }, [commit]],
  ["a build that Argo CD Image Updater is to notice", { ...status, movesStableTag: true }, ["0.2.117", commit, "0.2"]],
  ["a build of a branch", { ...status, releasable: false, movesStableTag: true }, [commit]],
])("the tags of %s", (_what, given, tags) => expect(imageTags(given)).toEqual(tags));
