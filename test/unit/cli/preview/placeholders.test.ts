import { expect, test } from "vitest";
import { parse } from "yaml";
import { placeholder, placeholderSettings, withCiHost } from "../../../../cli/preview/placeholders.ts";

test("every encrypted entry of a stack file becomes a placeholder, and nothing of its encryption stays", () => {
  const file = `
encryptionsalt: v1:salt
secretsprovider: awskms://alias/x
encryptedkey: abc
config:
  delivery:schemaVersion: 2
  delivery:cluster: { context: prod }
  delivery:registryPassword: { secure: v1:one }
  delivery:kubeconfig: { secure: v1:two }
  delivery:secrets: { db-password: { secure: v1:three } }
`;
  const { text, secrets, kubeconfigContext, looksProjectUp } = placeholderSettings(file, () => []);
  expect(parse(text)).toEqual({ config: { "delivery:schemaVersion": 2, "delivery:cluster": { context: "prod" } } });
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
