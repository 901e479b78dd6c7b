import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createMonorepo } from "./monorepo.ts";
import { openPipeline, type Pipeline } from "./pipeline.ts";
import { deploymentOf, deploymentPath, enterSandbox, namesOf, type SandboxWorld } from "./sandbox-world.ts";

const namespace = "drift-sandbox";

/** What others have changed behind the engine's back. The tests build on each other. */
describe("drift", () => {
  let world: SandboxWorld;
  let pipeline: Pipeline;
  let context: string;
  let released: string;

  beforeAll(async () => {
    world = await enterSandbox();
    const { directory } = createMonorepo(join(world.stateDir, "monorepos", "drift"), ["cart", "catalog"]);
    pipeline = openPipeline({ ...world, name: "drift", directory });
    await pipeline.run("up");
    context = (await world.circleci.contexts("drift-sandbox"))[0]?.id ?? "";
    released = (await deploymentOf(world.kubernetes, namespace, "cart")).image;
  });

  afterAll(async () => {
    await pipeline.run("destroy");
  });

  test("without any, a refresh finds nothing", async () => {
    expect((await pipeline.run("refresh")).changes).toEqual([]);
  });

  test("of an image, of replicas, and a deleted Service are found, exactly these", async () => {
    await edit("cart", { spec: { template: { spec: { containers: [{ name: "cart", image: released.replace(/@.*/, ":latest") }] } } } });
    await edit("catalog", { spec: { replicas: 3 } });
    await world.kubernetes.request("DELETE", `/api/v1/namespaces/${namespace}/services/catalog`);
    const { changes } = await pipeline.run("refresh");
    expect(changes).toEqual(["delete Service catalog", "update Deployment cart", "update Deployment catalog"]);
  });

  test("of them is undone by up", async () => {
    const { changes } = await pipeline.run("up");
    expect(changes).toEqual(["create Service catalog", "update Deployment cart", "update Deployment catalog"]);
    expect(await deploymentOf(world.kubernetes, namespace, "cart")).toMatchObject({ image: released, replicas: 1, available: 1 });
    expect(await deploymentOf(world.kubernetes, namespace, "catalog")).toMatchObject({ replicas: 1 });
    expect(await namesOf(world.kubernetes, "v1/services", namespace)).toEqual(["cart", "catalog"]);
    expect((await pipeline.run("up")).changes).toEqual([]);
  });

  test("of a context's variables is found where CircleCI shows it, and a deleted one comes back", async () => {
    await world.circleci.call("DELETE", `/context/${context}/environment-variable/DOCKERHUB_USERNAME`);
    await world.circleci.call("PUT", `/context/${context}/environment-variable/DOCKERHUB_PASSWORD`, { value: "another password" });
    expect((await pipeline.run("refresh")).changes).toEqual([
      "delete ContextEnvironmentVariable DOCKERHUB_USERNAME",
      // Its value cannot be read: all that shows is the time of the change.
      "update ContextEnvironmentVariable DOCKERHUB_PASSWORD",
    ]);
    expect((await pipeline.run("up")).changes).toEqual(["create ContextEnvironmentVariable DOCKERHUB_USERNAME"]);
    expect(await world.circleci.variables(context)).toEqual(["DOCKERHUB_PASSWORD", "DOCKERHUB_USERNAME"]);
  });

  test("of a whole context is found, and up makes it anew with all that it held", async () => {
    await world.circleci.call("DELETE", `/context/${context}`);
    expect((await pipeline.run("refresh")).changes).toEqual([
      "delete Context drift",
      "delete ContextEnvironmentVariable DOCKERHUB_PASSWORD",
      "delete ContextEnvironmentVariable DOCKERHUB_USERNAME",
      "delete ContextRestriction drift",
    ]);
    expect((await pipeline.run("up")).changes).toEqual([
      "create Context drift",
      "create ContextEnvironmentVariable DOCKERHUB_PASSWORD",
      "create ContextEnvironmentVariable DOCKERHUB_USERNAME",
      "create ContextRestriction drift",
    ]);
    const [made, ...others] = await world.circleci.contexts("drift-sandbox");
    expect(others).toEqual([]);
    expect(await world.circleci.variables(made?.id ?? "")).toEqual(["DOCKERHUB_PASSWORD", "DOCKERHUB_USERNAME"]);
  });

  /** As `kubectl edit` does it. */
  function edit(name: string, body: unknown): Promise<unknown> {
    return world.kubernetes.request("PATCH", deploymentPath(namespace, name), {
      body,
      contentType: "application/strategic-merge-patch+json",
      query: { fieldManager: "kubectl-edit" },
    });
  }
});
