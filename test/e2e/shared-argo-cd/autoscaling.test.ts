import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { initialRecord, recordPath } from "../../../git/release-record.ts";
import { eventually } from "../../support/eventually.ts";
import { deploymentOf, isSettled, namesOf } from "../../support/sandbox-harness.ts";
import { applicationOf, isHealthy } from "../support/application-state.ts";
import { clusterFindings } from "../support/cluster-findings.ts";
import { delivery } from "../support/delivery-command.ts";
import { openEnvironment, type Environment } from "../support/environment.ts";
import { enterGitOps } from "../support/enter-gitops.ts";
import { pushToDeployRepository, type GitOpsHarness } from "../support/gitops-harness.ts";
import { startMetrics, type MetricsStandIn } from "../support/metrics-stand-in.ts";
import { watchReplicas } from "../support/replica-watch.ts";

const autoscalerSchema = z.object({
  status: z.object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })) }),
});

/** The pods of a service while its autoscaler comes, works and goes. The tests build on each other. */
describe.each(["gitops", "direct"])("autoscaling, delivered %s", (kind) => {
  let harness: GitOpsHarness;
  let metrics: MetricsStandIn;
  let shop: Environment;

  beforeAll(async () => {
    harness = await enterGitOps();
    metrics = await startMetrics(harness.kubernetes, harness.stateDir);
    shop = openEnvironment(harness, { name: `scaled-${kind}`, services: ["cart"], settings: { delivery: kind } });
  });

  afterAll(async () => {
    await shop.run("destroy");
    await metrics[Symbol.asyncDispose]();
  });

  const up = (cart: object) => shop.run("up", { services: { cart } });

  // With `direct` nothing is declared before the first release.
  test.each(kind === "gitops" ? [2] : [])(
    "before the first release there are no pods, and then at once its minimum of %d",
    async (min) => {
      pushToDeployRepository(harness, { [recordPath(shop.name, "cart")]: initialRecord("cart") });
      await up({ autoscaling: { min, max: 6 } });
      expect(await deploymentOf(harness.kubernetes, shop.namespace, "cart")).toMatchObject({ replicas: 0, pods: 0 });
      await using replicas = await watchReplicas(harness.kubernetes, shop.namespace, "cart", 0);
      await delivery(harness, shop, "watch", "--once");
      await settled(min);
      expect(replicas.wanted).toEqual([0, min]);
    },
  );

  test("turned on, it takes over from the replicas that there are", async () => {
    await up({ replicas: 4 });
    await settled(4);
    atTarget();
    await using replicas = await watchReplicas(harness.kubernetes, shop.namespace, "cart", 4);
    await up(scaled());
    await autoscalerIsActive();
    await isWell();
    expect(replicas).toMatchObject({ fewest: 4, wanted: [4] });
  });

  test("its replicas stay through another change, and nothing else is to be done", async () => {
    await using replicas = await watchReplicas(harness.kubernetes, shop.namespace, "cart", 4);
    metrics.millicores = 20;
    await settled(6);
    // The autoscaler makes generations, too.
    const { generation: before } = await deploymentOf(harness.kubernetes, shop.namespace, "cart");
    await up(scaled({ COLOUR: "blue" }));
    await eventually("the pods have the new setting", async () => {
      const { generation } = await deploymentOf(harness.kubernetes, shop.namespace, "cart");
      return generation > before;
    });
    await settled(6);
    await isWell();
    expect((await up(scaled({ COLOUR: "blue" }))).changes).toEqual([]);
    // Nor are they drift.
    if (kind === "gitops") expect(await clusterFindings(harness, shop)).toEqual([]);
    else expect((await shop.run("refresh", { services: { cart: scaled({ COLOUR: "blue" }) } })).changes).toEqual([]);
    expect(replicas).toMatchObject({ fewest: 4, wanted: [4, 6] });
  });

  // As many as before it: to the engine, the replicas have not changed.
  test("turned off while it wants more, there are as many as declared, in one step", async () => {
    await using replicas = await watchReplicas(harness.kubernetes, shop.namespace, "cart", 6);
    await up({ replicas: 4, env: { COLOUR: "blue" } });
    await settled(4);
    await isWell();
    expect(await namesOf(harness.kubernetes, "autoscaling/v2/horizontalpodautoscalers", shop.namespace)).toEqual([]);
    expect(replicas).toMatchObject({ fewest: 4, wanted: [6, 4] });
    expect((await up({ replicas: 4, env: { COLOUR: "blue" } })).changes).toEqual([]);
  });

  const scaled = (env: Readonly<Record<string, string>> = {}): object => ({ env, autoscaling: { min: 4, max: 6 } });

  /** 80 % of what a pod asks for. */
  function atTarget(): void {
    metrics.millicores = 8;
  }

  async function settled(count: number): Promise<void> {
    // Metrics of pods that have just started do not count yet.
    await eventually(
      `cart has ${count} pods`,
      async () => isSettled(await deploymentOf(harness.kubernetes, shop.namespace, "cart"), count),
      { seconds: 200 },
    );
  }

  async function isWell(): Promise<void> {
    if (kind === "direct") return;
    await eventually(
      "cart is Synced and Healthy",
      async () => isHealthy(await applicationOf(harness.kubernetes, shop.applicationName("cart"))),
      { seconds: 60 },
    );
  }

  async function autoscalerIsActive(): Promise<void> {
    const path = `/apis/autoscaling/v2/namespaces/${shop.namespace}/horizontalpodautoscalers/cart`;
    await eventually(
      "the autoscaler has metrics",
      async () => {
        const { conditions } = autoscalerSchema.parse(await harness.kubernetes.request("GET", path)).status;
        return conditions.some(({ type, status }) => type === "ScalingActive" && status === "True");
      },
      { seconds: 60 },
    );
  }
});
