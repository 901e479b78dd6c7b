import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createMonorepo, webServer, type Monorepo } from "../support/monorepo.ts";
import { openPipeline, type Pipeline } from "../support/pipeline.ts";
import { deploymentOf, enterSandbox, type SandboxHarness } from "../support/sandbox-harness.ts";

const namespace = "failure-sandbox";

/** Rollouts that fail within seconds, where users wait for minutes. */
const shortTimeouts = {
  prepare: () =>
    pulumi.runtime.registerStackTransformation(({ type, props, opts }) => {
      if (type !== "kubernetes:apps/v1:Deployment") return undefined;
      return { props, opts: { ...opts, customTimeouts: { create: "12s", update: "12s" } } };
    }),
};

/** What fails half-way, and how the next up goes on. The tests build on each other. */
describe("a failed update", () => {
  let harness: SandboxHarness;
  let monorepo: Monorepo;
  let pipeline: Pipeline;

  beforeAll(async () => {
    harness = await enterSandbox();
    monorepo = createMonorepo(join(harness.stateDir, "monorepos", "failure"), ["cart", "catalog"]);
    pipeline = openPipeline({ ...harness, name: "failure", directory: monorepo.directory });
  });

  afterAll(async () => {
    await pipeline.run("destroy");
  });

  test("says which image cannot be built, and in which line of its Dockerfile", async () => {
    monorepo.service("cart", `${webServer("cart")}RUN echo no till here >&2 && exit 7\n`);
    const { error, changes } = await pipeline.fail("up", shortTimeouts);
    expect(error).toMatch(
      /building localhost:\d+\/delinkcious\/failure-cart:0\.1 from \S+\/cart_service\/Dockerfile failed/,
    );
    expect(error).toContain("exit code: 7");
    expect(error).toContain("no till here");
    expect(error).toMatch(/>>>.*RUN echo no till here/);
    expect(changes.filter((change) => change.endsWith(" cart"))).toEqual([]);
  });

  test("is finished by the next up, which says what pods die of", async () => {
    monorepo.service("cart", webServer("cart", "echo cannot find the till >&2; exit 3"));
    const { pods } = harness.sandbox.cluster;
    // Simulated pods run nothing that could fail.
    const { error, changes } = await (pods === "real"
      ? pipeline.fail("up", shortTimeouts)
      : pipeline.run("up", shortTimeouts));
    expect(error).toMatch(
      pods === "real"
        ? /Deployment failure-sandbox\/cart did not become ready within 12 s.*pod failure-sandbox\/cart-\S+:.*exit code 3/s
        : /^$/,
    );
    expect(changes).toContain("create Image cart");
    expect(await deploymentOf(harness.kubernetes, namespace, "catalog")).toMatchObject({ replicas: 1, available: 1 });
  });

  test("leaves what is well alone when it is resumed", async () => {
    const untouched = await deploymentOf(harness.kubernetes, namespace, "catalog");
    monorepo.service("cart");
    const { changes } = await pipeline.run("up", shortTimeouts);
    expect(changes).toEqual(expect.arrayContaining(["update Deployment cart", "update Image cart"]));
    expect(changes.filter((change) => !change.endsWith(" cart"))).toEqual([]);
    expect(await deploymentOf(harness.kubernetes, namespace, "catalog")).toEqual(untouched);
    expect(await deploymentOf(harness.kubernetes, namespace, "cart")).toMatchObject({ replicas: 1, available: 1 });
    expect((await pipeline.run("up", shortTimeouts)).changes).toEqual([]);
  });

  test("says why a pod finds no place, while the old one keeps running", async () => {
    const greedy = { "delivery:services": { cart: { resources: { requests: { cpu: "500000m" } } } } };
    const { error } = await pipeline.fail("up", { ...shortTimeouts, settings: greedy });
    expect(error).toMatch(/Deployment failure-sandbox\/cart did not become ready within 12 s.*Insufficient cpu/s);
    expect(await deploymentOf(harness.kubernetes, namespace, "cart")).toMatchObject({ available: 1 });
    expect((await pipeline.run("up", shortTimeouts)).changes).toEqual(["update Deployment cart"]);
  });
});
