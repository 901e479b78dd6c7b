import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createMonorepo, type Monorepo } from "../support/monorepo.ts";
import { ciSecrets, openPipeline, type Pipeline, type Variation } from "../support/pipeline.ts";
import { deploymentOf, deploymentPath, enterSandbox, type SandboxHarness } from "../support/sandbox-harness.ts";

const namespace = "generations-sandbox";
const annotation = "delivery/secrets-generation";

/** Secrets of the stack, and who has them. */
const withKey = (cart: string, catalog = "catalog-key-1", settings: object = {}): Variation => ({
  secrets: { "delivery:secrets": JSON.stringify({ ...ciSecrets, "cart-key": cart, "catalog-key": catalog }) },
  settings: {
    "delivery:services": { cart: { secrets: { KEY: "cart-key" } }, catalog: { secrets: { KEY: "catalog-key" } } },
    ...settings,
  },
});

/** A changed secret restarts the pods that use it, and nothing else does. The tests build on each other. */
describe("a changed secret", () => {
  let harness: SandboxHarness;
  let monorepo: Monorepo;
  let pipeline: Pipeline;

  beforeAll(async () => {
    harness = await enterSandbox();
    monorepo = createMonorepo(join(harness.stateDir, "monorepos", "generations"), ["cart", "catalog"]);
    pipeline = openPipeline({ ...harness, name: "generations", directory: monorepo.directory });
    await pipeline.run("up", withKey("cart-key-1"));
  });

  afterAll(async () => {
    await pipeline.run("destroy", withKey("cart-key-1"));
    rmSync(monorepo.directory, { recursive: true });
  });

  const generationOf = async (service: string): Promise<unknown> => {
    const { spec } = Object(await harness.kubernetes.request("GET", deploymentPath(namespace, service)));
    return spec.template.metadata.annotations[annotation];
  };

  test("is counted from the second value on: the first is not written down", async () =>
    expect(await generationOf("cart")).toBeUndefined());

  test("that has not changed changes nothing, after a refresh neither", async () => {
    expect((await pipeline.run("up", withKey("cart-key-1"))).changes).toEqual([]);
    expect((await pipeline.run("refresh", withKey("cart-key-1"))).changes).toEqual([]);
    expect((await pipeline.run("up", withKey("cart-key-1"))).changes).toEqual([]);
  });

  test("is in the preview, with the number and without the value", async () => {
    const { changes, output } = await pipeline.run("preview", withKey("cart-key-22"));
    expect(changes).toEqual(["update Deployment cart", "update Secret cart", "update SecretGenerations generations"]);
    expect(output).toMatch(/~ cart *: 1 => 2/);
    expect(output).toMatch(/\+ +delivery\/secrets-generation *: "2"/);
    expect(output).not.toMatch(/cart-key-\d/);
  });

  test("restarts the pods of its service alone", async () => {
    const before = await deploymentOf(harness.kubernetes, namespace, "catalog");
    const { changes } = await pipeline.run("up", withKey("cart-key-22"));
    expect(changes).toEqual(["update Deployment cart", "update Secret cart", "update SecretGenerations generations"]);
    expect(await generationOf("cart")).toBe("2");
    expect(await deploymentOf(harness.kubernetes, namespace, "catalog")).toEqual(before);
    expect((await pipeline.run("up", withKey("cart-key-22"))).changes).toEqual([]);
  });

  test("that was written when the update failed is rolled out by the next one", async () => {
    // A Deployment that the API server refuses stands for an update that ends between the Secret and the pods.
    const broken = {
      kind: "Deployment",
      patch: { spec: { template: { spec: { priorityClassName: "not-there-!" } } } },
    };
    const stopped = withKey("cart-key-333", "catalog-key-1", {
      "delivery:services": {
        cart: { secrets: { KEY: "cart-key" }, patches: [broken] },
        catalog: { secrets: { KEY: "catalog-key" } },
      },
    });
    expect((await pipeline.fail("up", stopped)).changes).toContain("update Secret cart");
    expect(await generationOf("cart")).toBe("2");
    expect((await pipeline.run("up", withKey("cart-key-333"))).changes).toEqual(["update Deployment cart"]);
    expect(await generationOf("cart")).toBe("3");
  });

  test("had another mark in earlier versions of this program, which stays, so that nothing restarts", async () => {
    const mark = { "delivery/secrets-version": "17" };
    const prepare = (): void =>
      pulumi.runtime.registerStackTransformation(({ type, name, props, opts }) => {
        if (type !== "kubernetes:apps/v1:Deployment" || name !== "catalog") return undefined;
        Object.assign(props.spec.template.metadata.annotations, mark);
        return { props, opts: { ...opts, ignoreChanges: [] } };
      });
    const usual = withKey("cart-key-333");
    expect((await pipeline.run("up", { ...usual, prepare })).changes).toEqual(["update Deployment catalog"]);
    expect((await pipeline.run("up", usual)).changes).toEqual([]);
    const { spec } = Object(await harness.kubernetes.request("GET", deploymentPath(namespace, "catalog")));
    expect(spec.template.metadata.annotations).toMatchObject(mark);
  });

  test("leaves no trace of its values but in secrets", async () => {
    const state = readFileSync(join(pipeline.engineDirectory, "state/.pulumi/stacks/delivery/sandbox.json"), "utf8");
    expect(state).toContain("SecretGenerations");
    expect(state).not.toMatch(/cart-key-\d/);
  });
});
