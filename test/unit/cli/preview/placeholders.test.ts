import { expect, test } from "vitest";
import { parse } from "yaml";
import { placeholderSettings, referencedSecrets, withCiHost } from "../../../../cli/preview/placeholders.ts";
import { Project } from "../../../../cli/project/stack-file.ts";
import { secretPlaceholder as placeholder } from "../../../../core/setting-values.ts";
import { keyPair } from "../../../support/signing.ts";
import { SampleMonorepo } from "../../../support/sample-monorepo.ts";

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

test("what `<<` names is merged, as Pulumi does", () => {
  const file = "config: { 'delivery:a': &a { x: 1 }, 'delivery:b': { <<: *a, y: 2 } }";
  expect(parse(placeholderSettings(file, () => []).text)).toEqual({
    config: { "delivery:a": { x: 1 }, "delivery:b": { x: 1, y: 2 } },
  });
});

test("where the stack's secrets are encrypted as one, the names are those that are referred to", () => {
  const { secrets } = placeholderSettings("config: { 'delivery:secrets': { secure: v1:x } }", () => ["a", "b"]);
  expect(JSON.parse(secrets["delivery:secrets"] ?? "")).toEqual({ a: placeholder, b: placeholder });
});

test("secrets are referred to by variables, files and the build of a service, and by what the stack signs with", () => {
  using monorepo = new SampleMonorepo({
    "svc/link/Dockerfile": "FROM scratch\nEXPOSE 1\nRUN --mount=type=secret,id=npm true\n",
    "svc/link/service.yaml":
      "secrets: { KEY: api-key }\nfiles: { /key.pem: { secret: tls-key }, /a: { content: b } }\nbuild: { secrets: { npm: npm-token } }\n",
  });
  const settings = {
    schemaVersion: 2,
    app: { name: "shop", directory: monorepo.root },
    images: {
      organization: "acme",
      username: "ci",
      source: "registry",
      signing: { secret: "image-key", publicKeys: [keyPair().publicPem] },
    },
    ci: { organizationId: "3f0c8f0a-5d0e-4c1b-9c55-0a5d3c7e1f10" },
  };
  const config = Object.fromEntries(Object.entries(settings).map(([key, value]) => [`delivery:${key}`, value]));
  monorepo.write({ "stacks/Pulumi.dev.yaml": JSON.stringify({ config }) });
  const project = new Project(`${monorepo.root}/stacks`);
  expect(referencedSecrets(project, "dev")).toEqual(["api-key", "image-key", "npm-token", "tls-key"]);
});
