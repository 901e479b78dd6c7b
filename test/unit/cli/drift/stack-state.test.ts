import { expect, test } from "vitest";
import { stackStateOf } from "../../../../cli/drift/stack-state.ts";

const since = "2026-01-01T10:00:00Z";

test("the state says which files, context and objects the stack has declared", () => {
  const resource = (type: string, outputs: object, rest: object = {}) => ({ urn: "", type, outputs, ...rest });
  const variable = "circleci:index/contextEnvironmentVariable:ContextEnvironmentVariable";
  const secret = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext: "…" };
  const state = stackStateOf({
    resources: [
      { urn: "", type: "pulumi:pulumi:Stack" },
      resource("circleci:index/project:Project", { id: "p1", slug: "circleci/o1/p1" }),
      resource("circleci:index/pipeline:Pipeline", { id: "d1", projectId: "p1" }),
      resource("circleci:index/trigger:Trigger", { id: "t1", projectId: "p1", pipelineId: "d1" }),
      resource("circleci:index/context:Context", { id: "c1", name: "shop-dev" }),
      resource(variable, { name: "TOKEN", updatedAt: since, value: secret }),
      resource(variable, { name: "OLD", updatedAt: since, value: secret }, { delete: true }),
      resource("circleci:index/contextRestriction:ContextRestriction", { type: "project", value: "p1" }),
      resource("kubernetes:core/v1:Secret", { kind: "Secret", metadata: { name: "link-secrets" }, data: secret }),
      resource("kubernetes:helm.sh/v4:Chart", {}),
    ],
  });
  expect(state).toEqual({
    manifests: undefined,
    pipelines: { projectId: "p1", ids: ["d1"], triggers: ["t1"] },
    context: {
      id: "c1",
      variables: [{ name: "TOKEN", updatedAt: since }],
      restrictions: [{ type: "project", value: "p1" }],
    },
    objects: new Set(["Secret/link-secrets"]),
  });
  expect(stackStateOf({})).toMatchObject({ manifests: undefined, context: undefined, pipelines: undefined });
});
