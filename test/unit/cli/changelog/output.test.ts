import { expect, test } from "vitest";
import { changelogMarkdown, changelogText } from "../../../../cli/changelog/output.ts";
import type { ServiceChanges } from "../../../../cli/changelog/service-changes.ts";

/** A commit says what its author likes. */
const change = {
  id: "1".repeat(40),
  type: "fix",
  scope: "link",
  subject: "nothing\u001b[2K\rharmless @everyone </details>",
  breaking: "all\u202eof it",
  pullRequest: null,
  at: "2026-11-30T12:00:00Z",
  reason: "its own files",
};
const changes: ServiceChanges = {
  service: "link",
  from: "0".repeat(40),
  to: "1".repeat(40),
  unknown: null,
  changes: [change],
  takenBack: [],
};

test("what a message says neither steers the terminal nor is markup", () => {
  expect(changelogText([changes], undefined).split("\n").slice(-2)).toEqual([
    "    1111111 link: nothing\uFFFD[2K\uFFFDharmless @everyone </details>",
    "            all\uFFFDof it",
  ]);
  const markdown = changelogMarkdown([changes], undefined, 10_000);
  expect(markdown).not.toMatch(/@everyone|harmless.*<\/details>$/m);
  expect(markdown).not.toContain("\u202e");
});
