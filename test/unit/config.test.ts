import { describe, expect, test } from "vitest";
import { loadConfig } from "../../stacks/config.ts";
import { asProgramConfig, readStackFile } from "../../stacks/stack-file.ts";
import { stackSecrets, stacks } from "../declared-stack.ts";
import { openWorld } from "../declared-world.ts";
import { loadSampleConfig as load, minimal, secretKeys, type Settings } from "../sample-config.ts";

describe("defaults", () => {
  test("fill in what a minimal file leaves out", async () => {
    const config = await load();
    const { registry, kubeconfig, secrets } = config;
    expect(config).toMatchObject({
      schemaVersion: 1,
      environment: "dev",
      file: "stacks/Pulumi.dev.yaml",
      app: { name: "shop", directory: "app", services: "svc/*" },
      images: {
        registry: "docker.io",
        organization: "acme",
        username: "acme-ci",
        source: "build",
        platform: "linux/amd64",
        tag: "latest",
        context: "service",
      },
      ci: {
        organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10",
        projectSlug: "gh/acme/shop",
        standalone: true,
        environment: {},
      },
      cluster: { namespace: "shop-dev", adoptExisting: false },
      delivery: "direct",
      owns: { ciProject: false },
      dependencies: {},
      defaults: {},
      services: {},
    });
    expect([registry.server, registry.username, kubeconfig, secrets.size]).toEqual([
      "docker.io",
      "acme-ci",
      undefined,
      0,
    ]);
  });

  test.each<[what: string, changes: Settings, environment: string, namespace: string]>([
    ["the stack's name", {}, "prod", "shop-prod"],
    ["the file's own environment", { environment: "live" }, "live", "shop-live"],
    ["the file's own namespace", { cluster: { namespace: "acme" } }, "prod", "acme"],
    ["both", { environment: "live", cluster: { namespace: "acme" } }, "live", "acme"],
  ])("of environment and namespace give way to %s", async (_what, changes, environment, namespace) => {
    const config = await load(changes, "prod");
    expect([config.environment, config.cluster.namespace, config.file]).toEqual([
      environment,
      namespace,
      "stacks/Pulumi.prod.yaml",
    ]);
  });

  test("give way key by key: a section keeps those that it does not name", async () => {
    expect((await load({ images: { ...Object(minimal["images"]), tag: "1.2" } })).images).toMatchObject({
      tag: "1.2",
      platform: "linux/amd64",
      registry: "docker.io",
    });
    expect((await load({ cluster: { context: "dev" } })).cluster).toEqual({
      context: "dev",
      namespace: "shop-dev",
      adoptExisting: false,
    });
  });

  test("a dependency's name may be as long as Kubernetes takes it, and no longer", async () => {
    expect((await load({ dependencies: { ["a".repeat(63)]: "none" } })).dependencies).toEqual({
      ["a".repeat(63)]: "none",
    });
    await expect(load({ dependencies: { ["a".repeat(64)]: "none" } })).rejects.toThrow("Is not a Kubernetes name");
  });

  test("of a dependency depend on its kind", async () => {
    const { dependencies } = await load({
      dependencies: { a: "none", b: { address: "b:1" }, c: { image: "c", port: 1 } },
    });
    expect(dependencies).toEqual({
      a: "none",
      b: { address: "b:1" },
      c: { image: "c", port: 1, env: {}, secrets: {}, scratch: [] },
    });
  });
});

test("settings of other projects and providers are none of this one's business", async () => {
  const values = Object.fromEntries(Object.entries(minimal).map(([key, value]) => [`delivery:${key}`, value]));
  await openWorld("dev", {
    values: asProgramConfig({ ...values, "aws:region": "eu-west-1", "other:schemaVersion": "7" }),
    secretKeys,
  });
  expect(loadConfig().schemaVersion).toBe(1);
});

test.each(stacks)(
  "the file of the %s stack is one that the program takes, and says where each service's dependencies are",
  async (stack) => {
    const secrets = Object.fromEntries(Object.entries(stackSecrets).map(([key, value]) => [`delivery:${key}`, value]));
    await openWorld(stack, { values: asProgramConfig({ ...readStackFile(stack), ...secrets }), secretKeys });
    const config = loadConfig();
    expect([config.environment, config.cluster.namespace]).toEqual([stack, `delinkcious-${stack}`]);
    expect(Object.keys(config.dependencies).toSorted()).toEqual([
      "link-db",
      "news-cache",
      "social-graph-db",
      "user-db",
    ]);
  },
);
