import { describe, expect, test } from "vitest";
import { bumpOf, describeCommit, pullRequestOf } from "../../../../cli/changelog/conventional-commit.ts";

const none = { type: null, scope: null, breaking: null };

describe("a message", () => {
  test.each([
    ["feat: Add", { type: "feat", scope: null, subject: "Add", breaking: null }],
    ["Fix(ui/page): Mend (#12)", { type: "fix", scope: "ui/page", subject: "Mend", breaking: null }],
    ["feat(api)!: Drop v1", { type: "feat", scope: "api", subject: "Drop v1", breaking: "Drop v1" }],
    ["fix!: a\n\nBREAKING CHANGE: b\nmore\n\nRefs: #4", { type: "fix", scope: null, subject: "a", breaking: "b more" }],
    ["fix: a\n\nBREAKING-CHANGE: b", { type: "fix", scope: null, subject: "a", breaking: "b" }],
    ["fix: a\n\nbreaking change: b", { type: "fix", scope: null, subject: "a", breaking: null }],
    ["fix: a\n\nThis is no BREAKING CHANGE: at all", { type: "fix", scope: null, subject: "a", breaking: null }],
    ["Add a page (#3)", { ...none, subject: "Add a page" }],
    ["feat:without a space", { ...none, subject: "feat:without a space" }],
    ["See: nothing is meant", { type: "see", scope: null, subject: "nothing is meant", breaking: null }],
    ["", { ...none, subject: "(no message)" }],
    ["\n", { ...none, subject: "(no message)" }],
  ])("%j", (message, described) => expect(describeCommit(message)).toEqual(described));
});

test.each([
  ["Add a page (#3)", { number: 3, isMerge: false }],
  ["Merge pull request #12 from acme/change\n\nA page", { number: 12, isMerge: true }],
  ["See (#3) for more", undefined],
  ["Merge branch 'main' into change", undefined],
  ["Add\n\n(#3)", undefined],
])("the pull request of %j", (message, found) => expect(pullRequestOf(message)).toEqual(found));

test("what breaks counts most, then features; everything else counts, too", () => {
  expect(bumpOf({ type: "chore", breaking: "all" })).toBe("major");
  expect(bumpOf({ type: "feat", breaking: null })).toBe("minor");
  expect(bumpOf({ type: "docs", breaking: null })).toBe("patch");
  expect(bumpOf({ type: null, breaking: null })).toBe("patch");
});
