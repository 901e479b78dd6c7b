import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { deploymentOf } from "../../support/sandbox-harness.ts";
import { applicationsOf, isHealthy } from "../support/application-state.ts";
import { openEnvironment, type Environment } from "../support/environment.ts";
import { enterGitOps } from "../support/enter-gitops.ts";
import type { GitOpsHarness } from "../support/gitops-harness.ts";

const podsSchema = z.object({
  items: z.array(z.object({ metadata: z.object({ name: z.string(), uid: z.string() }) })),
});
const serviceSchema = z.object({ spec: z.object({ clusterIP: z.string() }) });

/** From delivery `direct` to `gitops` and back: what runs is adopted, not made anew. The tests build on each other. */
describe("switching the delivery", () => {
  let harness: GitOpsHarness;
  let shop: Environment;
  let before: Awaited<ReturnType<typeof running>>;

  beforeAll(async () => {
    harness = await enterGitOps();
    shop = openEnvironment(harness, { name: "hand-over" });
    await shop.run("up", { delivery: "direct" });
    before = await running();
  });

  afterAll(async () => {
    await shop.run("destroy");
  });

  test("to gitops goes through an update that hands over, and no request fails", async () => {
    await using requests = startRequests(await addressOf("cart"));
    await shop.run("up", { delivery: "direct", handOver: "true" });
    await shop.run("up");
    expect((await applicationsOf(harness.kubernetes, "shop-hand-over")).map(isHealthy)).toEqual([true, true]);
    expect(await running()).toEqual(before);
    requests.expectNoFailure();
  });

  test("is complete: Argo CD writes the Deployments, and the engine has nothing left to do", async () => {
    expect((await shop.run("up")).changes).toEqual([]);
    expect((await shop.run("refresh")).changes).toEqual([]);
  });

  test("back to direct goes the same way", async () => {
    await using requests = startRequests(await addressOf("cart"));
    await shop.run("up", { handOver: "true" });
    await shop.run("up", { delivery: "direct" });
    expect(await running()).toEqual(before);
    expect((await shop.run("up", { delivery: "direct" })).changes).toEqual([]);
    expect(Object.keys(harness.repository.files()).filter((path) => path.startsWith("hand-over/"))).toEqual([]);
    requests.expectNoFailure();
  });

  /** Who serves, by service: a Deployment or pod that is made anew has another uid. */
  async function running() {
    const pods = podsSchema.parse(
      await harness.kubernetes.request("GET", `/api/v1/namespaces/${shop.namespace}/pods`),
    ).items;
    const deployments = await Promise.all(
      shop.services.map((service) => deploymentOf(harness.kubernetes, shop.namespace, service)),
    );
    return {
      deployments: deployments.map(({ uid, image }) => ({ uid, image })),
      pods: pods.map(({ metadata }) => metadata.uid).toSorted(),
    };
  }

  /** `undefined` where no pod answers. */
  async function addressOf(service: string): Promise<string | undefined> {
    if (!harness.podsRun) return undefined;
    const { spec } = serviceSchema.parse(
      await harness.kubernetes.request("GET", `/api/v1/namespaces/${shop.namespace}/services/${service}`),
    );
    return `http://${spec.clusterIP}:8080/`;
  }
});

/** Requests one after the other until it is disposed of. */
function startRequests(url: string | undefined): AsyncDisposable & { expectNoFailure: () => void } {
  const seen = { answers: 0, failures: new Array<string>(), stopped: false };
  const ask = async (): Promise<void> => {
    if (url === undefined) return;
    while (!seen.stopped) {
      const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) }).then(
        async (response) => `${response.status} ${await response.text()}`,
        (error: unknown) => String(error),
      );
      if (answer.startsWith("200 This is cart.")) seen.answers += 1;
      else seen.failures.push(answer);
      await sleep(20);
    }
  };
  const asking = ask();
  return {
    expectNoFailure: () => {
      expect(seen.failures).toEqual([]);
      if (url !== undefined) expect(seen.answers).toBeGreaterThan(50);
    },
    [Symbol.asyncDispose]: async () => {
      seen.stopped = true;
      await asking;
    },
  };
}
