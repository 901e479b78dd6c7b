import { expect, test } from "vitest";
import { parse } from "yaml";
import { placeholder, placeholderSettings, withCiHost } from "../../../../cli/preview/placeholders.ts";
import { scrubState } from "../../../../cli/preview/published-state.ts";
import { credentialsIn, redaction, textsOf } from "../../../../cli/preview/redaction.ts";
import { formsOf } from "../../../support/secret-watch.ts";

const canary = "canary-8e1c5b77aa01";

test("a secret is taken out of a text in any form and at any offset", () => {
  const { text } = redaction([canary]);
  const shifted = ["", "a", "ab"].map((before) => Buffer.from(`${before}${canary}:rest`).toString("base64"));
  const forms = [canary, ...shifted, encodeURIComponent(canary), Buffer.from(canary).toString("hex")];
  for (const form of forms) {
    const clean = text(`before ${form} after`);
    expect(clean).toContain("[secret]");
    expect(formsOf(canary).filter((one) => clean.includes(one))).toEqual([]);
  }
});

test("of a secret in several lines each long word counts, and of one in JSON each text", () => {
  const kubeconfig = `apiVersion: v1\nusers:\n  - token: "${canary}-long-enough"\n`;
  expect(redaction([kubeconfig]).text(`x ${canary}-long-enough`)).toBe("x [secret]");
  expect(redaction([kubeconfig]).text("apiVersion: v1")).toBe("apiVersion: v1");
  expect(redaction(textsOf(JSON.stringify({ db: { password: canary } }))).value({ a: [canary, 1] })).toEqual({
    a: ["[secret]", 1],
  });
});

test("credentials in the environment are known by their names", () => {
  const environment = {
    DELIVERY_GIT_TOKEN: "a1",
    DOCKERHUB_PASSWORD: "b2",
    PATH: "/bin",
    PULUMI_CONFIG_PASSPHRASE_FILE: "/f",
    GIT_AUTHOR_NAME: "x",
    EMPTY_TOKEN: "",
  };
  expect(credentialsIn(environment)).toEqual(["a1", "b2"]);
});

test("every encrypted entry of a stack file becomes a placeholder, and nothing of its encryption stays", () => {
  const file = `
encryptionsalt: v1:salt
secretsprovider: awskms://alias/x
encryptedkey: abc
config:
  delivery:schemaVersion: 1
  delivery:cluster: { context: prod }
  delivery:registryPassword: { secure: v1:one }
  delivery:kubeconfig: { secure: v1:two }
  delivery:secrets: { db-password: { secure: v1:three } }
`;
  const { text, secrets, kubeconfigContext, looksProjectUp } = placeholderSettings(file, () => []);
  expect(parse(text)).toEqual({ config: { "delivery:schemaVersion": 1, "delivery:cluster": { context: "prod" } } });
  expect(secrets["delivery:registryPassword"]).toBe(placeholder);
  expect(JSON.parse(secrets["delivery:secrets"] ?? "")).toEqual({ "db-password": placeholder });
  expect(JSON.parse(secrets["delivery:kubeconfig"] ?? "")).toMatchObject({ "current-context": "prod" });
  expect(kubeconfigContext).toBe("prod");
  expect(looksProjectUp).toBe(true);
  expect(parse(withCiHost(text, "http://x"))).toMatchObject({ config: { "delivery:ci": { host: "http://x" } } });
});

test("where the stack's secrets are encrypted as one, the names are those that are referred to", () => {
  const { secrets } = placeholderSettings("config: { 'delivery:secrets': { secure: v1:x } }", () => ["a", "b"]);
  expect(JSON.parse(secrets["delivery:secrets"] ?? "")).toEqual({ a: placeholder, b: placeholder });
});

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
