import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { createMonorepo } from "../support/monorepo.ts";
import { openPipeline, type Pipeline } from "../support/pipeline.ts";
import {
  deploymentOf,
  deploymentPath,
  enterSandbox,
  isSettled,
  namesOf,
  type SandboxHarness,
} from "../support/sandbox-harness.ts";

const namespace = "drift-sandbox";

/** What others have changed behind the engine's back. The tests build on each other. */
describe("drift", () => {
  let harness: SandboxHarness;
  let pipeline: Pipeline;
  let context: string;
  let released: string;

  beforeAll(async () => {
    harness = await enterSandbox();
    const { directory } = createMonorepo(join(harness.stateDir, "monorepos", "drift"), ["cart", "catalog"]);
    pipeline = openPipeline({ ...harness, name: "drift", directory });
    await pipeline.run("up");
    context = (await harness.circleci.contexts("drift-build"))[0]?.id ?? "";
    released = (await deploymentOf(harness.kubernetes, namespace, "cart")).image;
  });

  afterAll(async () => {
    await pipeline.run("destroy");
  });

  test("without any, a refresh finds nothing", async () => {
    expect((await pipeline.run("refresh")).changes).toEqual([]);
  });

  test("of an image, of replicas, and a deleted Service are found, exactly these", async () => {
    const { image: another } = await deploymentOf(harness.kubernetes, namespace, "catalog");
    await edit("cart", { spec: { template: { spec: { containers: [{ name: "cart", image: another }] } } } });
    await edit("catalog", { spec: { replicas: 3 } });
    for (const [name, count] of Object.entries({ cart: 1, catalog: 3 })) {
      await eventually(`the edited ${name} has settled`, async () =>
        isSettled(await deploymentOf(harness.kubernetes, namespace, name), count),
      );
    }
    await harness.kubernetes.request("DELETE", `/api/v1/namespaces/${namespace}/services/catalog`);
    const { changes } = await pipeline.run("refresh");
    expect(changes).toEqual(["delete Service catalog", "update Deployment cart", "update Deployment catalog"]);
  });

  test("of them is undone by up", async () => {
    const { changes } = await pipeline.run("up");
    expect(changes).toEqual(["create Service catalog", "update Deployment cart", "update Deployment catalog"]);
    expect(await deploymentOf(harness.kubernetes, namespace, "cart")).toMatchObject({
      image: released,
      replicas: 1,
      available: 1,
    });
    expect(await deploymentOf(harness.kubernetes, namespace, "catalog")).toMatchObject({ replicas: 1 });
    expect(await namesOf(harness.kubernetes, "v1/services", namespace)).toEqual(["cart", "catalog"]);
    expect((await pipeline.run("up")).changes).toEqual([]);
  });

  test("of a context's variables shows only where one is gone: their values cannot be read", async () => {
    await harness.circleci.call("DELETE", `/context/${context}/environment-variable/DOCKERHUB_USERNAME`);
    await harness.circleci.call("PUT", `/context/${context}/environment-variable/DOCKERHUB_PASSWORD`, {
      value: "another password",
    });
    expect((await pipeline.run("refresh")).changes).toEqual([
      "delete ContextEnvironmentVariable build-DOCKERHUB_USERNAME",
    ]);
    expect((await pipeline.run("up")).changes).toEqual(["create ContextEnvironmentVariable build-DOCKERHUB_USERNAME"]);
    expect(await harness.circleci.variables(context)).toEqual(["DOCKERHUB_PASSWORD", "DOCKERHUB_USERNAME"]);
  });

  test("of a whole context is an error, as the official provider has it", async () => {
    await harness.circleci.call("DELETE", `/context/${context}`);
    const { error } = await pipeline.fail("refresh");
    expect(error).toContain(
      `Could not read context ${context}, unexpected error: 404 Not Found: {"message":"Context not found."}`,
    );
  });

  /** As `kubectl edit` does it. */
  function edit(name: string, body: unknown): Promise<unknown> {
    return harness.kubernetes.request("PATCH", deploymentPath(namespace, name), {
      body,
      contentType: "application/strategic-merge-patch+json",
      query: { fieldManager: "kubectl-edit" },
    });
  }
});
