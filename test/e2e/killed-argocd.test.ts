import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { runningPid } from "../../sandbox/machine/process.ts";
import { eventually } from "../integration/eventually.ts";
import { deploymentOf, isSettled } from "../integration/sandbox-world.ts";
import { applicationOf, applicationsOf, isWell } from "./application-state.ts";
import { openEnvironment, type Environment } from "./environment.ts";
import { enterGitOps, type GitOpsWorld } from "./gitops-world.ts";
import { pushByHand } from "./hand-push.ts";

const controller = "argocd-application-controller";
const everything = ["argocd-keeper", controller, "argocd-repo-server", "argocd-redis"];
const path = "killed/cart/deployment.yaml";
const deletedSchema = z.object({ metadata: z.object({ deletionTimestamp: z.string() }) });

/** Argo CD is killed at ever other moments, and converges each time. The tests build on each other. */
describe("a killed Argo CD", () => {
  let world: GitOpsWorld;
  let shop: Environment;

  beforeAll(async () => {
    world = await enterGitOps();
    shop = openEnvironment(world, { name: "killed" });
  });

  afterAll(async () => {
    await enterGitOps();
    await shop.run("destroy");
  });

  test("during up, with all its parts, is started again, and that up ends well", async () => {
    const up = shop.run("up");
    await Promise.race([
      up,
      eventually("an Application is there", () => applicationOf(world.kubernetes, shop.applicationName("cart")), {
        seconds: 120,
      }),
    ]);
    kill(...everything);
    await enterGitOps();
    await up;
    expect((await applicationsOf(world.kubernetes, "shop-killed")).map(isWell)).toEqual([true, true]);
  });

  test("before a push syncs it once it is back", async () => {
    kill(controller);
    pushReplicas(1, 2);
    await expectReplicas(2);
  });

  test("after a push, without its cache and its clones, syncs it", async () => {
    pushReplicas(2, 1);
    kill("argocd-redis", "argocd-repo-server");
    await expectReplicas(1);
  });

  test("during a sync goes on with it", async () => {
    const commit = pushReplicas(1, 2);
    await eventually(
      "the controller has seen the commit",
      async () => (await applicationOf(world.kubernetes, shop.applicationName("cart"))).revision === commit,
    );
    kill(controller, "argocd-repo-server");
    await expectReplicas(2);
  });

  test("during destroy goes on with it, and nothing is left", async () => {
    const destroy = shop.run("destroy");
    const application = `/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/${shop.applicationName("cart")}`;
    const deleting = eventually(
      "the Application is being deleted",
      async () => deletedSchema.parse(await world.kubernetes.request("GET", application)),
      { seconds: 60 },
    );
    await Promise.race([destroy, deleting]);
    kill(controller);
    await destroy;
    deleting.catch(() => undefined);
    expect(Object.keys(world.repository.files()).filter((file) => file.startsWith("killed/"))).toEqual([]);
  });

  function kill(...names: string[]): void {
    for (const name of names) {
      const pid = runningPid(world.stateDir, name);
      if (pid !== undefined) process.kill(pid, "SIGKILL");
    }
  }

  function pushReplicas(from: number, to: number): string {
    return pushByHand(world, {
      [path]: (world.repository.files()[path] ?? "").replace(`replicas: ${from}`, `replicas: ${to}`),
    });
  }

  async function expectReplicas(count: number): Promise<void> {
    await eventually(
      `cart has ${count} pods`,
      async () => isSettled(await deploymentOf(world.kubernetes, shop.namespace, "cart"), count),
      { seconds: 60 },
    );
    await eventually(
      "both are well",
      async () => (await applicationsOf(world.kubernetes, "shop-killed")).every(isWell),
      { seconds: 60 },
    );
  }
});
