import { expect, test } from "vitest";
import { contextFindings, type ContextStatus } from "../../../../cli/drift/ci-check.ts";

const since = "2026-01-01T10:00:00Z";

const declared = {
  id: "c1",
  variables: [{ name: "TOKEN", updatedAt: "2026-01-01T10:00:00.500Z" }],
  restrictions: [{ type: "project", value: "p1" }],
};
const everyone = { id: "o1", type: "group", value: "o1", name: "All members" };
const project = { id: "r1", type: "project", value: "p1", name: "shop" };
const contextStatus: ContextStatus = {
  id: "c1",
  variables: [{ name: "TOKEN", updatedAt: "2026-01-01T10:00:00.900Z" }],
  restrictions: [everyone, project],
};

test.each<[what: string, changes: Partial<ContextStatus>, findings: [what: string, change: RegExp][]]>([
  ["nothing", {}, []],
  [
    "a variable set by others",
    { variables: [{ name: "TOKEN", updatedAt: "2026-01-01T10:00:02Z" }] },
    [["variable TOKEN", /^was set behind the stack's back at 2026-01-01T10:00:02Z$/]],
  ],
  ["a missing variable", { variables: [] }, [["variable TOKEN", /^is gone from context shop-dev$/]]],
  [
    "a foreign variable",
    { variables: [...contextStatus.variables, { name: "OTHER", updatedAt: since }] },
    [["variable OTHER", /^is in context shop-dev, and not of this stack$/]],
  ],
  ["a context made anew", { id: "c2" }, [["context shop-dev", /^was deleted and made anew by someone else$/]]],
  [
    "a missing restriction",
    { restrictions: [everyone] },
    [["context shop-dev", /^is not restricted to project p1 any more: every project .* may use its secrets$/]],
  ],
  [
    "a second project",
    { restrictions: [everyone, project, { ...project, id: "r2", value: "p2", name: "other" }] },
    [["context shop-dev", /^lets in project other \(p2\), too$/]],
  ],
  [
    "a foreign restriction",
    { restrictions: [everyone, project, { id: "r3", type: "expression", value: "true", name: "" }] },
    [["context shop-dev", /^has a restriction to expression true that is not of this stack$/]],
  ],
])("at CircleCI, %s is found as what it is", (_what, changes, findings) => {
  expect(
    contextFindings({ context: "shop-dev", organizationId: "o1" }, declared, { ...contextStatus, ...changes }),
  ).toEqual(findings.map(([what, change]) => ({ what, change: expect.stringMatching(change) })));
});
