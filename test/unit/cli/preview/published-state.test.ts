import { expect, test } from "vitest";
import { secretPlaceholder as placeholder } from "../../../../core/setting-values.ts";
import { scrubState } from "../../../../cli/preview/published-state.ts";
import { formsOf } from "../../../support/secret-watch.ts";

const canary = "canary-8e1c5b77aa01";

test("a state keeps its shape and loses its secrets, wherever they stand", () => {
  const state = scrubState(
    exported([
      resource("kubernetes:core/v1:Secret", {
        data: envelope({ password: Buffer.from(canary).toString("base64"), count: 3 }),
        metadata: { name: "x", annotations: { note: `by mistake ${canary}` } },
      }),
      resource("kubernetes:core/v1:Secret", { stringData: { user: "in plain text" } }),
      resource("pulumi:providers:circleci", { key: canary, host: "https://circleci.example" }),
      resource("circleci:index/contextEnvironmentVariable:ContextEnvironmentVariable", { value: envelope("ci-user") }),
    ]),
    "username: ci-user",
  );
  const text = JSON.stringify(state);
  expect(formsOf(canary).filter((form) => text.includes(form))).toEqual([]);
  expect(text).not.toContain("in plain text");
  const [secret, plain, provider] = (state.deployment.resources ?? []).map(({ inputs }) => inputs);
  expect(opened(secret?.["data"])).toEqual({ password: placeholder, count: 0 });
  expect(secret?.["metadata"]).toEqual({ name: "x", annotations: { note: "by mistake [secret]" } });
  expect(opened(plain?.["stringData"])).toEqual({ user: placeholder });
  expect(opened(provider?.["key"])).toBe(placeholder);
  expect(provider?.["host"]).toBe("https://circleci.example");
});

test("counted secrets are placeholders that a preview without credentials has, too", () => {
  const values = envelope({ link: { KUBECONFIG: canary, TOKEN: canary } });
  const counted = resource("pulumi-nodejs:dynamic/delivery:SecretGenerations", { values, generations: { link: 3 } });
  const [{ inputs } = {}] = scrubState(exported([counted]), "").deployment.resources ?? [];
  expect(opened(inputs?.["values"])).toEqual({ link: { KUBECONFIG: placeholder, TOKEN: placeholder } });
  expect(inputs?.["generations"]).toEqual({ link: 3 });
});

test("what everybody may read is no secret, even if it is encrypted somewhere", () => {
  const label = resource("kubernetes:core/v1:Namespace", { metadata: { name: "ci-user" } });
  const variable = resource("circleci:index/x:X", { value: envelope("ci-user") });
  const state = scrubState(exported([label, variable]), "username: ci-user");
  expect(state.deployment.resources?.[0]?.inputs).toEqual({ metadata: { name: "ci-user" } });
});

test("a state with a secret in the name of a resource is not published", () => {
  const named = { ...resource("kubernetes:core/v1:Namespace", {}), id: canary };
  const variable = resource("circleci:index/x:X", { value: envelope(canary) });
  expect(() => scrubState(exported([named, variable]), "")).toThrow(/a secret is part of the name or id of kubernetes/);
});

function envelope(value: unknown): object {
  return { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", plaintext: JSON.stringify(value) };
}

function opened(sealed: unknown): unknown {
  return JSON.parse(String(Object(sealed).plaintext));
}

function resource(type: string, inputs: object): { urn: string; custom: boolean; type: string; inputs: object } {
  return { urn: `urn:pulumi:dev::delivery::${type}::x`, custom: true, type, inputs };
}

function exported(resources: readonly object[]): object {
  return { version: 3, deployment: { manifest: {}, secrets_providers: { type: "passphrase" }, resources } };
}

test("a state of version 4, as hooks need it, is published as one that any engine reads", () => {
  const hooked = {
    urn: "urn:pulumi:dev::delivery::x::y",
    custom: true,
    type: "x",
    resourceHooks: { onError: ["hook"] },
  };
  const withFeatures = { version: 4, features: ["resourceHooks"], deployment: { resources: [hooked] } };
  const { resourceHooks: _, ...published } = hooked;
  expect(scrubState(withFeatures, "")).toEqual({ version: 3, deployment: { resources: [published] } });
});
