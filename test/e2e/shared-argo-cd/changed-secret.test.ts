import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stopProcess } from "../../../sandbox/machine/process.ts";
import { eventually } from "../../support/eventually.ts";
import { ciSecrets, type Variation } from "../../support/pipeline.ts";
import { deploymentOf, deploymentPath, isSettled } from "../../support/sandbox-harness.ts";
import { openEnvironment, type Environment } from "../support/environment.ts";
import { enterGitOps } from "../support/enter-gitops.ts";
import type { GitOpsHarness } from "../support/gitops-harness.ts";

const withKey = (value: string): Variation => ({
  secrets: { "delivery:secrets": JSON.stringify({ ...ciSecrets, "cart-key": value }) },
});

/** With GitOps nothing of a secret may be in Git, and its pods start anew all the same. The tests build on each other. */
describe("a changed secret", () => {
  let harness: GitOpsHarness;
  let shop: Environment;

  beforeAll(async () => {
    harness = await enterGitOps();
    const services = { cart: { secrets: { KEY: "cart-key" } } };
    shop = openEnvironment(harness, { name: "secret", settings: { services } });
    await shop.run("up", {}, withKey("cart-key-1"));
  });

  afterAll(async () => {
    await shop.run("destroy", {}, withKey("cart-key-1"));
  });

  const generationOf = async (service: string): Promise<unknown> => {
    const { spec } = Object(await harness.kubernetes.request("GET", deploymentPath(shop.namespace, service)));
    return spec.template.metadata.annotations["delivery/secrets-generation"];
  };
  const hasRolledOut = (generation: string): Promise<unknown> =>
    eventually(`the pods of cart have generation ${generation} of its secrets`, async () => {
      const isNew = (await generationOf("cart")) === generation;
      return isNew && isSettled(await deploymentOf(harness.kubernetes, shop.namespace, "cart"), 1);
    });

  test("is not written down as long as it has not changed, and another up changes nothing", async () => {
    expect(await generationOf("cart")).toBeUndefined();
    expect((await shop.run("up", {}, withKey("cart-key-1"))).changes).toEqual([]);
  });

  const changes = ["update GitManifests shop", "update Secret cart", "update SecretGenerations shop"];

  test("shows at preview which pods it restarts, and none of its values", async () => {
    const preview = await shop.run("preview", {}, withKey("cart-key-22"));
    expect(preview.changes).toEqual(changes);
    expect(preview.output).toMatch(/cart *: 1 => 2/);
    expect(preview.output).toMatch(/\+ +delivery\/secrets-generation *: "2"/);
    expect(preview.output).not.toMatch(/cart-key-\d/);
  });

  test("restarts the pods that use it, through one commit of one file", async () => {
    const other = await deploymentOf(harness.kubernetes, shop.namespace, "catalog");
    expect((await shop.run("up", {}, withKey("cart-key-22"))).changes).toEqual(changes);
    expect(harness.repository.git("diff", "--name-only", "main~1", "main")).toBe("secret/cart/deployment.yaml");
    await hasRolledOut("2");
    expect(await deploymentOf(harness.kubernetes, shop.namespace, "catalog")).toEqual(other);
  });

  test("is written before the commit: what an update leaves undone in between, the next one does", async () => {
    await stopProcess(harness.stateDir, "git-server");
    const { error } = await shop.fail("up", {}, withKey("cart-key-333"));
    expect(error).toContain("cannot be reached");
    const { data } = Object(
      await harness.kubernetes.request("GET", `/api/v1/namespaces/${shop.namespace}/secrets/cart-secrets`),
    );
    expect(Buffer.from(String(data.KEY), "base64").toString()).toBe("cart-key-333");
    expect(await generationOf("cart")).toBe("2");
    await enterGitOps();
    expect((await shop.run("up", {}, withKey("cart-key-333"))).changes).toEqual(["update GitManifests shop"]);
    await hasRolledOut("3");
  });

  test("has left nothing of its values in Git", () =>
    expect(harness.repository.git("log", "--all", "-p")).not.toMatch(/cart-key-\d/));
});
