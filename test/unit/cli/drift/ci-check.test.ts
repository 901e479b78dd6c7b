import { expect, test } from "vitest";
import {
  contextFindings,
  pipelineFindings,
  type ContextStatus,
  type PipelineStatus,
} from "../../../../cli/drift/ci-check.ts";

const since = "2026-01-01T10:00:00Z";

const declared = {
  id: "c1",
  name: "shop-dev",
  variables: [{ name: "TOKEN", updatedAt: "2026-01-01T10:00:00.500Z" }],
  restrictions: [
    { type: "project", value: "p1" },
    { type: "expression", value: "not job.ssh.enabled" },
  ],
};
const everyone = { id: "o1", type: "group", value: "o1", name: "All members" };
const project = { id: "r1", type: "project", value: "p1", name: "shop" };
const expression = { id: "r0", type: "expression", value: "not job.ssh.enabled", name: "" };
const contextStatus: ContextStatus = {
  id: "c1",
  variables: [{ name: "TOKEN", updatedAt: "2026-01-01T10:00:00.900Z" }],
  restrictions: [everyone, project, expression],
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
    { restrictions: [everyone, expression] },
    [["context shop-dev", /^is not restricted to project p1 any more: every project .* may use its secrets$/]],
  ],
  [
    "a missing expression",
    { restrictions: [everyone, project] },
    [["context shop-dev", /^is not restricted to expression not job\.ssh\.enabled any more: jobs of other pipelines/]],
  ],
  [
    "a second project",
    { restrictions: [everyone, project, expression, { ...project, id: "r2", value: "p2", name: "other" }] },
    [["context shop-dev", /^lets in project other \(p2\), too$/]],
  ],
  [
    "a foreign restriction",
    { restrictions: [everyone, project, expression, { id: "r3", type: "expression", value: "true", name: "" }] },
    [["context shop-dev", /^has a restriction to expression true that is not of this stack$/]],
  ],
])("at CircleCI, %s is found as what it is", (_what, changes, findings) => {
  expect(contextFindings("o1", declared, { ...contextStatus, ...changes })).toEqual(
    findings.map(([what, change]) => ({ what, change: expect.stringMatching(change) })),
  );
});

const trigger = { id: "t1", disabled: false, provider: "github_app", event: "all-pushes" };
const pipeline: PipelineStatus = { id: "d1", name: "push", triggers: [trigger] };

test.each<[what: string, status: PipelineStatus[], findings: [what: string, change: RegExp][]]>([
  ["nothing", [pipeline], []],
  [
    "a second trigger of the same events",
    [{ ...pipeline, triggers: [trigger, { ...trigger, id: "t2" }] }],
    [["trigger t2", /^starts pipeline push at github_app all-pushes, and is not of this stack$/]],
  ],
  [
    "a second trigger that is disabled",
    [{ ...pipeline, triggers: [trigger, { ...trigger, id: "t2", disabled: true }] }],
    [["trigger t2", /^would start pipeline push at github_app all-pushes if it was not disabled, and is not of this/]],
  ],
  [
    "a trigger without a preset",
    [{ ...pipeline, triggers: [trigger, { ...trigger, id: "t2", provider: "webhook", event: "" }] }],
    [["trigger t2", /at webhook, and/]],
  ],
  ["a missing trigger", [{ ...pipeline, triggers: [] }], [["trigger t1", /^is gone from the project$/]]],
  [
    "a second pipeline, with a trigger of its own",
    [pipeline, { id: "d2", name: "push", triggers: [{ ...trigger, id: "t2" }] }],
    [
      ["pipeline push (d2)", /^is in the project, and not of this stack$/],
      ["trigger t2", /^starts pipeline push/],
    ],
  ],
  [
    "no pipeline",
    [],
    [
      ["pipeline d1", /^is gone/],
      ["trigger t1", /^is gone/],
    ],
  ],
])("pipelines: %s", (_what, status, findings) => {
  const found = pipelineFindings({ projectId: "p1", ids: ["d1"], triggers: ["t1"] }, status);
  expect(found.map(({ what, change }) => [what, change])).toEqual(
    findings.map(([what, change]) => [what, expect.stringMatching(change)]),
  );
});
