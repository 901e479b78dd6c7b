import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { runningPid } from "../../../sandbox/machine/process.ts";
import { eventually } from "../../support/eventually.ts";
import { deploymentOf, isSettled } from "../../support/sandbox-harness.ts";
import { applicationOf, applicationsOf, isHealthy } from "../support/application-state.ts";
import { openEnvironment, type Environment } from "../support/environment.ts";
import { enterGitOps } from "../support/enter-gitops.ts";
import { pushToDeployRepository, type GitOpsHarness } from "../support/gitops-harness.ts";

const controller = "argocd-application-controller";
const everything = ["argocd-supervisor", controller, "argocd-repo-server", "argocd-redis"];
const path = "killed/cart/deployment.yaml";
const deletedSchema = z.object({ metadata: z.object({ deletionTimestamp: z.string() }) });

/** Argo CD is killed at ever other moments, and converges each time. The tests build on each other. */
describe("a killed Argo CD", () => {
  let harness: GitOpsHarness;
  let shop: Environment;

  beforeAll(async () => {
    harness = await enterGitOps();
    shop = openEnvironment(harness, { name: "killed" });
  });

  afterAll(async () => {
    await enterGitOps();
    await shop.run("destroy");
  });

  test("during up, with all its parts, is started again, and that up ends well", async () => {
    const up = shop.run("up");
    await Promise.race([
      up,
      eventually("an Application is there", () => applicationOf(harness.kubernetes, shop.applicationName("cart")), {
        seconds: 120,
      }),
    ]);
    kill(...everything);
    await enterGitOps();
    await up;
    expect((await applicationsOf(harness.kubernetes, "shop-killed")).map(isHealthy)).toEqual([true, true]);
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
      async () => (await applicationOf(harness.kubernetes, shop.applicationName("cart"))).revision === commit,
    );
    kill(controller, "argocd-repo-server");
    await expectReplicas(2);
  });

  test("during destroy goes on with it, and nothing is left", async () => {
    const destroy = shop.run("destroy");
    const application = `/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/${shop.applicationName("cart")}`;
    const deleting = eventually(
      "the Application is being deleted",
      async () => deletedSchema.parse(await harness.kubernetes.request("GET", application)),
      { seconds: 60 },
    );
    await Promise.race([destroy, deleting]);
    kill(controller);
    await destroy;
    deleting.catch(() => undefined);
    expect(Object.keys(harness.repository.files()).filter((file) => file.startsWith("killed/"))).toEqual([]);
  });

  function kill(...names: string[]): void {
    for (const name of names) {
      const pid = runningPid(harness.stateDir, name);
      if (pid !== undefined) process.kill(pid, "SIGKILL");
    }
  }

  function pushReplicas(from: number, to: number): string {
    return pushToDeployRepository(harness, {
      [path]: (harness.repository.files()[path] ?? "").replace(`replicas: ${from}`, `replicas: ${to}`),
    });
  }

  async function expectReplicas(count: number): Promise<void> {
    await eventually(
      `cart has ${count} pods`,
      async () => isSettled(await deploymentOf(harness.kubernetes, shop.namespace, "cart"), count),
      { seconds: 60 },
    );
    await eventually(
      "both are well",
      async () => (await applicationsOf(harness.kubernetes, "shop-killed")).every(isHealthy),
      { seconds: 60 },
    );
  }
});
