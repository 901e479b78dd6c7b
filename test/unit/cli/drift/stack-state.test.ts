import { expect, test } from "vitest";
import { stackStateOf } from "../../../../cli/drift/stack-state.ts";

const since = "2026-01-01T10:00:00Z";

test("the state says which files, contexts and objects the stack has declared", () => {
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
      resource("circleci:index/context:Context", { id: "c2", name: "shop-build" }),
      resource(variable, { contextId: "c2", name: "PUSH", updatedAt: since, value: secret }),
      resource(variable, { contextId: "c1", name: "TOKEN", updatedAt: since, value: secret }),
      resource(variable, { contextId: "c1", name: "OLD", updatedAt: since, value: secret }, { delete: true }),
      resource("circleci:index/contextRestriction:ContextRestriction", {
        contextId: "c1",
        type: "project",
        value: "p1",
      }),
      resource("kubernetes:core/v1:Secret", { kind: "Secret", metadata: { name: "link-secrets" }, data: secret }),
      resource("kubernetes:helm.sh/v4:Chart", {}),
    ],
  });
  expect(state).toEqual({
    manifests: undefined,
    pipelines: { projectId: "p1", ids: ["d1"], triggers: ["t1"] },
    contexts: [
      {
        id: "c1",
        name: "shop-dev",
        variables: [{ name: "TOKEN", updatedAt: since }],
        restrictions: [{ type: "project", value: "p1" }],
      },
      { id: "c2", name: "shop-build", variables: [{ name: "PUSH", updatedAt: since }], restrictions: [] },
    ],
    objects: new Set(["Secret/link-secrets"]),
  });
  expect(stackStateOf({})).toMatchObject({ manifests: undefined, contexts: [], pipelines: undefined });
});

test("an environment's own directory comes before those of its later waves of clusters", () => {
  const manifests = (directory: string) => ({
    type: "pulumi-nodejs:dynamic/delivery:GitManifests",
    outputs: { directory, stack: "delivery/prod", files: {}, records: {} },
  });
  const { manifests: own, laterWaves } = stackStateOf({
    resources: ["prod.wave-3", "prod", "prod.wave-2"].map(manifests),
  });
  expect(own?.directory).toBe("prod");
  expect(laterWaves?.map(({ directory }) => directory)).toEqual(["prod.wave-3", "prod.wave-2"]);
});
