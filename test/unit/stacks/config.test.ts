import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { serviceManifests } from "../../../components/manifests/manifests.ts";
import { manifestContext } from "../../../components/manifests/manifest-context.ts";
import { loadConfig } from "../../../stacks/config.ts";
import { secretsSchema } from "../../../stacks/schema.ts";
import { ciProjectArgs } from "../../../stacks/stage-args.ts";
import { asProgramConfig, readStackFile } from "../../../stacks/stack-file.ts";
import { stacks, stackSecrets } from "../../support/declared-stack.ts";
import { openMockEngine } from "../../support/mock-engine.ts";
import { sampleService } from "../../support/sample-shop.ts";
import { loadSampleConfig as load, minimal, secretKeys, type Settings } from "../../support/sample-config.ts";

describe("defaults", () => {
  test("fill in what a minimal file leaves out", async () => {
    const config = await load();
    const { registry, kubeconfig, secrets } = config;
    expect(config).toMatchObject({
      schemaVersion: 2,
      environment: "dev",
      file: "stacks/Pulumi.dev.yaml",
      app: { name: "shop", directory: "app", services: "svc/*" },
      images: {
        registry: "docker.io",
        organization: "acme",
        login: "password",
        username: "acme-ci",
        source: "build",
        platforms: ["linux/amd64"],
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
    expect([registry?.server, registry?.username, kubeconfig, secrets.size]).toEqual([
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
      platforms: ["linux/amd64"],
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
    await expect(load({ dependencies: { ["a".repeat(64)]: "none" } })).rejects.toThrow("is not a Kubernetes name");
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
  await openMockEngine("dev", {
    values: asProgramConfig({ ...values, "aws:region": "eu-west-1", "other:schemaVersion": "7" }),
    secretKeys,
  });
  expect(loadConfig().schemaVersion).toBe(2);
});

test.each(stacks)(
  "the file of the %s stack is one that the program takes, and says where each service's dependencies are",
  async (stack) => {
    const secrets = Object.fromEntries(Object.entries(stackSecrets).map(([key, value]) => [`delivery:${key}`, value]));
    await openMockEngine(stack, { values: asProgramConfig({ ...readStackFile(stack), ...secrets }), secretKeys });
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

async function plainValue(output: pulumi.Output<string> | undefined): Promise<string> {
  if (output === undefined) throw new Error("no output");
  expect(await pulumi.isSecret(output)).toBe(true);
  return new Promise((resolve) => void output.apply(resolve));
}

describe("without a login of the registry", () => {
  const images = {
    registry: "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    organization: "acme/team",
    login: "own",
    source: "registry",
    releases: "releases",
  };

  test("nothing of one is declared, and pods name no pull secret", async () => {
    const config = await load({ images, registryPassword: undefined });
    expect(config.registry).toBeUndefined();
    const args = ciProjectArgs(config, undefined, []);
    expect(args.registry).toBeUndefined();
    const context = manifestContext(config, [sampleService("link")]);
    const [service] = context.services;
    if (service === undefined) throw new Error("unreachable: there is one service");
    expect(serviceManifests(context, service, { image: "x" }).serviceAccount).not.toHaveProperty("imagePullSecrets");
  });

  test("the registry cannot be watched", async () => {
    const gitops = { repository: "https://git.example/acme/deploy.git", release: "registry-watch" };
    const failure = load({ images, registryPassword: undefined, gitToken: "hunter7", delivery: "gitops", gitops });
    await expect(failure).rejects.toThrow(
      /gitops\.release: registry-watch needs a login that Argo CD Image Updater reads the registry with/,
    );
  });
});

describe("the secrets of a stack", () => {
  test("are secret outputs", async () => {
    const config = await load({ kubeconfig: "hunter4", secrets: { token: "hunter5", "db-password": "hunter6" } });
    expect(await plainValue(config.registry?.password)).toBe("hunter2");
    expect(await plainValue(config.circleciToken)).toBe("hunter3");
    expect(await plainValue(config.kubeconfig)).toBe("hunter4");
    expect([...config.secrets.keys()]).toEqual(["token", "db-password"]);
    expect(await plainValue(config.secrets.get("token"))).toBe("hunter5");
    expect(await plainValue(config.secrets.get("db-password"))).toBe("hunter6");
  });

  test("of every kind the schema knows stand in no plain setting", async () => {
    const { secrets: _, ...texts } = secretsSchema.shape;
    const { registry, secrets, ...others } = await load({
      ...Object.fromEntries(Object.keys(texts).map((key) => [key, `hunter-${key}`])),
      secrets: { token: "hunter-token" },
    });
    const values = [...Object.values(registry ?? {}), ...secrets.values(), ...Object.values(others)];
    const outputs = values.filter((value) => pulumi.Output.isInstance(value));
    expect(outputs).toHaveLength(Object.keys(texts).length + 1);
    for (const output of outputs) expect(await pulumi.isSecret(output)).toBe(true);
    expect(JSON.stringify(values.filter((value) => !pulumi.Output.isInstance(value)))).not.toContain("hunter");
  });

  test.each([
    ["looks like a number", "1234"],
    ["looks like a list", "[not, json"],
    ["is a key file in JSON, as some registries have it", '{"type":"service_account"}'],
    ["spans lines", "line 1\nline 2\n"],
  ])("a password that %s stays what it is", async (_what, value) => {
    expect(await plainValue((await load({ registryPassword: value })).registry?.password)).toBe(value);
    expect(await plainValue((await load({ circleciToken: value })).circleciToken)).toBe(value);
    expect(await plainValue((await load({ kubeconfig: value })).kubeconfig)).toBe(value);
  });

  test("that are wrong are refused without being shown", async () => {
    await expect(load({ secrets: { pin: 1234 } })).rejects.toThrow(/secrets\.pin: "\[secret\]": must be a string/);
    await expect(load({ secrets: { pin: 1234 } })).rejects.not.toThrow("1234");
  });
});
