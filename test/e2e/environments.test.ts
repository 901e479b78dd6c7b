import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { recordPath } from "../../git/release-record.ts";
import { circleCiEndpoint } from "../../sandbox/machine/endpoints.ts";
import { eventually } from "../support/eventually.ts";
import { pushBuild } from "../support/image-push.ts";
import { deploymentOf, isSettled, namesOf } from "../support/sandbox-harness.ts";
import { applicationsOf, isHealthy } from "./support/application-state.ts";
import { delivery, promote } from "./support/delivery-command.ts";
import { openEnvironment, type Environment } from "./support/environment.ts";
import { enterGitOps } from "./support/enter-gitops.ts";
import type { GitOpsHarness } from "./support/gitops-harness.ts";

/** Two environments of one app on one cluster, in one deploy repository. The tests build on each other. */
describe("two environments", () => {
  let harness: GitOpsHarness;
  let dev: Environment;
  let staging: Environment;

  beforeAll(async () => {
    harness = await enterGitOps();
    dev = openEnvironment(harness, { name: "dev" });
    await dev.run("up");
    const { url: host, organizationId } = circleCiEndpoint(harness.sandbox.endpoints);
    const projectSlug = `circleci/${organizationId}/${harness.circleci.projects("shop")[0]?.id}`;
    // What they share belongs to the first one.
    staging = openEnvironment(harness, {
      name: "staging",
      settings: { owns: {}, ci: { host, organizationId, projectSlug } },
    });
  });

  afterAll(async () => {
    await dev.run("destroy");
  });

  test("have their own Applications, namespaces and directories", async () => {
    const untouched = await stateOf(dev);
    await staging.run("up");
    expect(await stateOf(dev)).toEqual(untouched);
    expect((await applicationsOf(harness.kubernetes, "shop-staging")).map(isHealthy)).toEqual([true, true]);
    expect(await namesOf(harness.kubernetes, "apps/v1/deployments", "shop-staging")).toEqual(["cart", "catalog"]);
    expect((await dev.run("up")).changes).toEqual([]);
  });

  test("do not release each other's images", async () => {
    const untouched = await stateOf(staging);
    const { image } = await deploymentOf(harness.kubernetes, dev.namespace, "cart");
    const digest = await pushBuild(harness.stateDir, dev.imagesOf("cart"), image, "0.1.1");
    await delivery(harness, dev, "release", "--service", `cart=${digest}`);
    await eventually("dev runs the new cart", async () => {
      const cart = await deploymentOf(harness.kubernetes, dev.namespace, "cart");
      return cart.image.endsWith(digest) && isSettled(cart, 1);
    });
    expect(await stateOf(staging)).toEqual(untouched);
  });

  test("get each other's images by a promotion, which changes one digest", async () => {
    const untouched = await stateOf(dev);
    const [cart, catalog] = await stateOf(staging);
    const wanted = await deploymentOf(harness.kubernetes, dev.namespace, "cart");
    expect(cart?.image).not.toBe(wanted.image);
    await promote(harness, dev, staging, "--service", "cart");
    await eventually("staging runs the cart of dev", async () => {
      const now = await deploymentOf(harness.kubernetes, staging.namespace, "cart");
      return now.image === wanted.image && isSettled(now, 1);
    });
    expect(harness.repository.git("diff", "--name-only", "main~1", "main")).toBe(recordPath("staging", "cart"));
    expect((await stateOf(staging))[1]).toEqual(catalog);
    expect(await stateOf(dev)).toEqual(untouched);
  });

  test("outlive each other", async () => {
    const untouched = await stateOf(dev);
    await staging.run("destroy");
    expect(await applicationsOf(harness.kubernetes, "shop-staging")).toEqual([]);
    expect(await namesOf(harness.kubernetes, "apps/v1/deployments", "shop-staging")).toEqual([]);
    expect(Object.keys(harness.repository.files()).filter((path) => path.startsWith("staging/"))).toEqual([]);
    expect(await stateOf(dev)).toEqual(untouched);
    await eventually("dev is well", async () =>
      (await applicationsOf(harness.kubernetes, "shop-dev")).every(isHealthy),
    );
    expect((await dev.run("refresh")).changes).toEqual([]);
  });

  async function stateOf({ namespace, services }: Environment) {
    return Promise.all(services.map((service) => deploymentOf(harness.kubernetes, namespace, service)));
  }
});
