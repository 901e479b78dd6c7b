import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { recordPath } from "../../git/release-record.ts";
import { eventually } from "../integration/eventually.ts";
import { deploymentOf, isSettled, namesOf } from "../integration/sandbox-world.ts";
import { applicationsOf, isWell } from "./application-state.ts";
import { delivery, promote } from "./delivery-command.ts";
import { openEnvironment, type Environment } from "./environment.ts";
import { enterGitOps, type GitOpsWorld } from "./gitops-world.ts";
import { pushBuild } from "./image-push.ts";

/** Two environments of one app on one cluster, in one deploy repository. The tests build on each other. */
describe("two environments", () => {
  let world: GitOpsWorld;
  let dev: Environment;
  let staging: Environment;

  beforeAll(async () => {
    world = await enterGitOps();
    dev = openEnvironment(world, { name: "dev" });
    await dev.run("up");
    const { url: host, organizationId } = world.sandbox.targets.circleci;
    const projectSlug = `circleci/${organizationId}/${world.circleci.projects("shop")[0]?.id}`;
    // What they share belongs to the first one.
    staging = openEnvironment(world, {
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
    expect((await applicationsOf(world.kubernetes, "shop-staging")).map(isWell)).toEqual([true, true]);
    expect(await namesOf(world.kubernetes, "apps/v1/deployments", "shop-staging")).toEqual(["cart", "catalog"]);
    expect((await dev.run("up")).changes).toEqual([]);
  });

  test("do not release each other's images", async () => {
    const untouched = await stateOf(staging);
    const { image } = await deploymentOf(world.kubernetes, dev.namespace, "cart");
    const digest = await pushBuild(world.stateDir, dev.imagesOf("cart"), image, "0.1.1");
    await delivery(world, dev, "release", "--service", `cart=${digest}`);
    await eventually("dev runs the new cart", async () => {
      const cart = await deploymentOf(world.kubernetes, dev.namespace, "cart");
      return cart.image.endsWith(digest) && isSettled(cart, 1);
    });
    expect(await stateOf(staging)).toEqual(untouched);
  });

  test("get each other's images by a promotion, which changes one digest", async () => {
    const untouched = await stateOf(dev);
    const [cart, catalog] = await stateOf(staging);
    const wanted = await deploymentOf(world.kubernetes, dev.namespace, "cart");
    expect(cart?.image).not.toBe(wanted.image);
    await promote(world, dev, staging, "--service", "cart");
    await eventually("staging runs the cart of dev", async () => {
      const now = await deploymentOf(world.kubernetes, staging.namespace, "cart");
      return now.image === wanted.image && isSettled(now, 1);
    });
    expect(world.repository.git("diff", "--name-only", "main~1", "main")).toBe(recordPath("staging", "cart"));
    expect((await stateOf(staging))[1]).toEqual(catalog);
    expect(await stateOf(dev)).toEqual(untouched);
  });

  test("outlive each other", async () => {
    const untouched = await stateOf(dev);
    await staging.run("destroy");
    expect(await applicationsOf(world.kubernetes, "shop-staging")).toEqual([]);
    expect(await namesOf(world.kubernetes, "apps/v1/deployments", "shop-staging")).toEqual([]);
    expect(Object.keys(world.repository.files()).filter((path) => path.startsWith("staging/"))).toEqual([]);
    expect(await stateOf(dev)).toEqual(untouched);
    await eventually("dev is well", async () => (await applicationsOf(world.kubernetes, "shop-dev")).every(isWell));
    expect((await dev.run("refresh")).changes).toEqual([]);
  });

  async function stateOf({ namespace, services }: Environment) {
    return Promise.all(services.map((service) => deploymentOf(world.kubernetes, namespace, service)));
  }
});
