import { describe, expect, test } from "vitest";
import {
  circleCiResources,
  interruptedCreations,
  parseDeployment,
  providerInputs,
  resourcesOfType,
  withoutResources,
} from "../../../../cli/repair/deployment.ts";

const urn = (type: string, name = "shop"): string =>
  `urn:pulumi:dev::delivery::delivery:ci:CiProject$circleci:index/${type}::${name}`;
const context = urn("context:Context");
const project = urn("project:Project");
const restriction = urn("contextRestriction:ContextRestriction");
const variable = urn("contextEnvironmentVariable:ContextEnvironmentVariable", "TOKEN");
const provider = "urn:pulumi:dev::delivery::delivery:ci:CiProject$pulumi:providers:circleci::shop";
const component = "urn:pulumi:dev::delivery::delivery:ci:CiProject::shop";

const of = (urnOf: string, id: string, rest: object = {}) => ({
  urn: urnOf,
  custom: true,
  id,
  type: urnOf.split("::")[2]?.split("$").at(-1),
  provider: `${provider}::abc`,
  parent: component,
  ...rest,
});

const state = {
  version: 3,
  deployment: {
    manifest: { time: "2026-01-01T10:00:00Z", magic: "m", version: "" },
    secrets_providers: { type: "passphrase", state: { salt: "v1:x" } },
    resources: [
      { urn: component, custom: false, type: "delivery:ci:CiProject" },
      of(provider, "abc", { inputs: { host: "https://ci.example/api/v2" } }),
      of(project, "p1", { outputs: { slug: "circleci/o/p1" } }),
      of(context, "c1", { outputs: { organizationId: "o" } }),
      of(context, "c0", { delete: true }),
      of(restriction, "r1", {
        dependencies: [context, project],
        propertyDependencies: { contextId: [context], value: [project], type: null },
      }),
      of(variable, "missing ID", {
        dependencies: [restriction, context],
        propertyDependencies: { contextId: [context], name: [], value: [] },
        deletedWith: context,
      }),
      of("urn:pulumi:dev::delivery::kubernetes:core/v1:Secret::s", "s", { inputs: { big: 1 } }),
    ],
    pending_operations: [
      { type: "deleting", resource: of(project, "p1") },
      { type: "creating", resource: of(urn("trigger:Trigger"), "") },
    ],
    metadata: {},
  },
};

const exported = () => parseDeployment(JSON.stringify(state));
/** The resources of the repaired state that were of these ids, and not on the list to go. */
const removing = (...ids: string[]) =>
  withoutResources(
    exported(),
    circleCiResources(exported()).filter(({ id }) => ids.includes(id)),
  ).deployment;

describe("a state", () => {
  test("gives its resources of CircleCI, those that wait for their deletion among them", () => {
    expect(circleCiResources(exported()).map(({ id }) => id)).toEqual(["p1", "c1", "c0", "r1", "missing ID"]);
    expect(resourcesOfType(exported(), "circleci:index/context:Context").map(({ id }) => id)).toEqual(["c1"]);
  });

  test("says how a resource's provider was configured", () => {
    const [first] = circleCiResources(exported());
    if (first === undefined) throw new Error("the sample has resources");
    expect(providerInputs(exported(), first)).toEqual({ host: "https://ci.example/api/v2" });
    expect(providerInputs(exported(), { ...first, provider: "urn::other" })).toEqual({});
  });

  test("says what was interrupted", () => {
    expect(interruptedCreations(exported())).toEqual([urn("trigger:Trigger")]);
    expect(interruptedCreations(parseDeployment('{"version":3,"deployment":{}}'))).toEqual([]);
  });

  test("stays the same where nothing is taken out, its numbers digit by digit", () => {
    const numbers = '"big":12345678901234567890123,"exact":1.0,"small":1e-7';
    const text = JSON.stringify(state).replace('"big":1', numbers);
    const same = JSON.stringify(withoutResources(parseDeployment(text), []));
    expect(same).toContain(`{${numbers}}`);
    expect(JSON.parse(same)).toEqual(JSON.parse(text));
  });
});

describe("what is taken out", () => {
  test("is not mentioned by what stays: a restriction outlives its project, and a variable the restriction", () => {
    const after = removing("p1");
    expect(after.resources).toContainEqual(
      expect.objectContaining({
        id: "r1",
        dependencies: [context],
        propertyDependencies: { contextId: [context], value: [], type: null },
      }),
    );
    expect(after.resources).toContainEqual(state.deployment.resources[6]);
    expect(after.resources).toHaveLength(7);
  });

  test("is one of two resources with the same URN, which is still there", () => {
    const after = removing("c0");
    expect(after.resources).toHaveLength(7);
    expect(after.resources).toContainEqual(state.deployment.resources[6]);
    expect(after.resources).toContainEqual(state.deployment.resources[3]);
  });

  test("leaves nothing behind where all are gone", () => {
    const after = removing("p1", "c1", "c0", "r1", "missing ID");
    expect(JSON.stringify(after.resources)).not.toMatch(/"urn:pulumi:dev::delivery::delivery:ci:CiProject\$circleci/);
    expect(after.resources).toHaveLength(3);
  });
});
