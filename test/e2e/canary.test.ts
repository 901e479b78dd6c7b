import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { listWorkloads } from "../../cli/status/cluster-status.ts";
import { workloadStatus } from "../../cli/status/workload-status.ts";
import { errorMessage } from "../../core/error.ts";
import { parseRecord, recordPath } from "../../git/release-record.ts";
import { listAt, mapAt } from "../../kubernetes/object.ts";
import { gitUsers } from "../../sandbox/machine/credentials.ts";
import { circleCiEndpoint } from "../../sandbox/machine/endpoints.ts";
import { startRollouts, stopRollouts } from "../../sandbox/machine/rollouts/rollouts.ts";
import { buildTools } from "../../sandbox/machine/tools/go-tools.ts";
import { eventually } from "../support/eventually.ts";
import { pushBuild } from "../support/image-push.ts";
import { webServer } from "../support/monorepo.ts";
import { PrometheusStandIn } from "../support/prometheus-stand-in.ts";
import { applicationOf, isHealthy } from "./support/application-state.ts";
import { delivery } from "./support/delivery-command.ts";
import { openEnvironment, type Environment } from "./support/environment.ts";
import { enterGitOps } from "./support/enter-gitops.ts";
import type { GitOpsHarness } from "./support/gitops-harness.ts";
import { ServedPods } from "./support/served-pods.ts";
import { writeStackFile } from "./support/stack-file.ts";

/** New images in steps, by the real controller of Argo Rollouts, with real pods where the machine has them. The tests build on each other. */
describe("gitops with canaries", () => {
  let harness: GitOpsHarness;
  let shop: Environment;
  let pods: ServedPods;
  let metrics: PrometheusStandIn;
  /** As the commands see it, which read the stack file. */
  let target: Environment & { readonly directory: string };
  let inSteps: Readonly<Record<string, unknown>>;
  let atOnce: typeof inSteps;
  let byDeployment: typeof inSteps;
  let builds = 1;
  /** The share of errors that the pods of a hash have; `undefined`: nobody knows. */
  let errors: string | undefined = "0.01";

  beforeAll(async () => {
    harness = await enterGitOps();
    const circleci = circleCiEndpoint(harness.sandbox.endpoints);
    const tools = await buildTools(["rollouts-controller", "rollouts-files"], (line) => console.log(line));
    const { kubeconfigPath } = harness.sandbox.cluster;
    await startRollouts({ stateDir: harness.stateDir, tools, kubeconfigPath });
    metrics = await PrometheusStandIn.start();
    metrics.value = () => errors;
    const shared = {
      gitops: { repository: harness.repositoryUrl, username: gitUsers.reader, rollouts: "existing" },
      ci: {
        organizationId: circleci.organizationId,
        host: circleci.url,
        environment: { DELIVERY_KUBECONFIG: "deploy-token" },
      },
    };
    shop = openEnvironment(harness, {
      name: "canary",
      // Its images are none that others may release: some are bad.
      app: "boutique",
      services: ["cart"],
      settings: {
        ...shared,
        services: { cart: { replicas: 4 } },
      },
    });
    pods = new ServedPods(harness.kubernetes, shop.namespace);
    target = { ...shop, directory: join(harness.stateDir, "program-of-canary") };
    shop.monorepo.service("cart", webServer("cart", 'exec httpd -f -p "${PORT:-8080}" -h /www'));
    // Nothing but what the rollout itself says.
    const verified = { ...shared, verify: { timeoutMinutes: 10 } };
    const analysis = {
      prometheus: metrics.url,
      interval: "1s",
      delay: "1s",
      metrics: { errors: { query: 'sum(errors{pod=~"${pods}"})', max: 0.05 } },
    };
    inSteps = {
      ...verified,
      services: {
        cart: {
          replicas: 4,
          rollout: {
            strategy: "canary",
            steps: [
              { weight: 25, pause: "5s" },
              { weight: 50, pause: "2s" },
            ],
            analysis,
          },
          // A pod that is never ready is given up sooner than after minutes.
          patches: [{ kind: "Rollout", patch: { spec: { progressDeadlineSeconds: 10 } } }],
        },
      },
    };
    const measured = { ...analysis, count: 4 };
    const rollout = { strategy: "blueGreen", prePromotionAnalysis: measured, postPromotionAnalysis: measured };
    // Nobody has to wait for nodes of which there is one.
    const patch = { spec: { strategy: { blueGreen: { scaleDownDelaySeconds: 5 } } } };
    atOnce = { ...verified, services: { cart: { replicas: 2, rollout, patches: [{ kind: "Rollout", patch }] } } };
    byDeployment = { ...verified, services: { cart: { replicas: 2 } } };
    writeStackFile(harness, shop, target.directory, inSteps);
  }, 1_800_000);

  beforeEach(() => {
    errors = "0.01";
  });

  afterAll(async () => {
    await shop.run("destroy", byDeployment);
    await stopRollouts(harness.stateDir);
    await metrics[Symbol.asyncDispose]();
  });

  test("a Deployment becomes a Rollout, and pods serve all the time", async () => {
    await shop.run("up");
    await using watch = await pods.watch("cart");
    await shop.run("up", inSteps);
    const deployments = `/apis/apps/v1/namespaces/${shop.namespace}/deployments`;
    await eventually(
      "the Deployment is gone",
      async () => listAt(await harness.kubernetes.request("GET", deployments), "items").length === 0,
      { seconds: 90 },
    );
    await eventually("all is well", async () => {
      const application = await applicationOf(harness.kubernetes, shop.applicationName("cart"));
      return (await cart()).health === "Healthy" && isHealthy(application);
    });
    expect(watch.fewest).toBe(4);
    expect((await shop.run("up", inSteps)).changes).toEqual([]);
  });

  test("a good image gets one pod of four first, and all of them after its steps", async () => {
    const digest = await release();
    await eventually("one pod of four is a new one", async () => {
      const { message } = await cart();
      return message === "at 25 %, pauses with 1 new and 3 old pods";
    });
    expect(await pods.digests()).toEqual(
      new Map([
        [digest, 1],
        [expect.any(String), 3],
      ]),
    );
    await eventually(
      "all pods are new ones",
      async () => {
        const { health, image } = await cart();
        return health === "Healthy" && image.endsWith(digest);
      },
      { seconds: 60 },
    );
    expect(await pods.digests()).toEqual(new Map([[digest, 4]]));
    await delivery(harness, target, "verify", "--wait", "2m");
    expect(record()).toMatchObject({ image: { digest }, verification: { state: "passed" } });
  });

  test.each([
    ["has too many errors", "0.2"],
    ["has no data", undefined],
  ])("an image that %s is ended at the first step, and taken back in Git by `delivery verify`", async (_, value) => {
    const before = released();
    errors = value;
    const bad = await release();
    await eventually("the rollout was ended", async () => (await cart()).health === "Degraded", { seconds: 60 });
    await expectTakenBack(bad, before, /^RolloutAborted: .*Metric "errors" assessed Failed/);
  });

  test("so is one whose pods are never ready", async () => {
    if (!harness.podsRun) return;
    const before = released();
    const bad = await release({ PORT: "8081" });
    await eventually("the rollout was ended", async () => (await cart()).health === "Degraded", { seconds: 60 });
    await expectTakenBack(bad, before, /^RolloutAborted: /);
  });

  test("a canary becomes blue and green: its Service leads to new pods at once, when they have been measured", async () => {
    writeStackFile(harness, shop, target.directory, atOnce);
    await shop.run("up", atOnce);
    await eventually("two pods are left, and well", async () => {
      const counts = await pods.digests();
      return (await cart()).health === "Healthy" && counts.get(released()) === 2;
    });
    await using watch = await pods.watch("cart");
    await using preview = await pods.watch("cart-preview");
    const digest = await release();
    await eventually("the new pods are measured", async () =>
      (await cart()).message?.startsWith("before the switch, active service cutover pending, with 2 new and 2 old"),
    );
    await eventually("the other Service leads to them", () => Promise.resolve(preview.digests.has(digest)));
    await delivery(harness, target, "verify", "--wait", "2m");
    expect(record()).toMatchObject({ image: { digest }, verification: { state: "passed" } });
    // The verdict is that of the new pods alone.
    expect(await pods.digests()).toEqual(new Map([[digest, 2]]));
    expect(await pods.servedBy("cart")).toEqual([digest]);
    expect(watch.fewest).toBeGreaterThanOrEqual(2);
    expect((await shop.run("up", atOnce)).changes).toEqual([]);
  });

  test("an image that is bad before the switch gets no request, and is taken back in Git", async () => {
    const before = released();
    await using watch = await pods.watch("cart");
    errors = "0.2";
    const bad = await release();
    await eventually("the rollout was ended", async () => (await cart()).health === "Degraded", { seconds: 60 });
    await expectTakenBack(
      bad,
      before,
      /^RolloutAborted: .*pre-promotion analysis .*Metric "errors" assessed Failed/,
      2,
    );
    expect([watch.digests, watch.fewest]).toEqual([new Set([before]), 2]);
  });

  test("the requests of one that is bad after it go back, and Git, too", async () => {
    const before = released();
    await using watch = await pods.watch("cart");
    const bad = await release();
    await eventually("requests go to the new pods", () => Promise.resolve(watch.digests.has(bad)));
    errors = "0.2";
    await eventually("the rollout was ended", async () => (await cart()).health === "Degraded", { seconds: 60 });
    await eventually("requests go to the pods before", async () => (await pods.servedBy("cart")).join() === before);
    await expectTakenBack(
      bad,
      before,
      /^RolloutAborted: .*post-promotion analysis .*Metric "errors" assessed Failed/,
      2,
    );
    expect(watch.fewest).toBeGreaterThanOrEqual(2);
  });

  test("blue and green becomes a Deployment, and its Service leads to pods all the time", async () => {
    const digest = released();
    await using watch = await pods.watch("cart");
    await shop.run("up", byDeployment);
    const rollouts = `/apis/argoproj.io/v1alpha1/namespaces/${shop.namespace}/rollouts`;
    await eventually(
      "the Rollout is gone",
      async () => listAt(await harness.kubernetes.request("GET", rollouts), "items").length === 0,
      { seconds: 90 },
    );
    await eventually("its pods are, too", async () => (await pods.digests()).get(digest) === 2);
    await eventually("all is well", async () =>
      isHealthy(await applicationOf(harness.kubernetes, shop.applicationName("cart"))),
    );
    expect([watch.digests, watch.fewest]).toEqual([new Set([digest]), 2]);
    const service = await harness.kubernetes.request("GET", `/api/v1/namespaces/${shop.namespace}/services/cart`);
    expect(Object.keys(mapAt(service, "spec", "selector"))).not.toContain("rollouts-pod-template-hash");
  });

  /** The pods are those of before; once a verdict is asked for, Git says the same, and nothing goes through steps again. */
  async function expectTakenBack(bad: string, before: string, reason: RegExp, count = 4): Promise<void> {
    expect(await cart()).toMatchObject({ state: "failed", message: expect.stringMatching(reason) });
    await eventually("the pods are those of before", async () => (await pods.digests()).get(before) === count);
    expect(released()).toBe(bad);
    // Whoever waits for the verdict takes it back.
    const verdict = await delivery(harness, target, "verify", "--wait", "2m").then(() => "", errorMessage);
    expect(verdict).toMatch(/is Degraded: RolloutAborted/);
    expect(released()).toBe(before);
    expect(record()?.rejected).toMatchObject({ digest: bad, reason: expect.stringMatching(/RolloutAborted/) });
    await eventually("all is well", async () => {
      const { health, image } = await cart();
      return health === "Healthy" && image.endsWith(before);
    });
    await eventually("no other is left", async () => (await pods.digests()).size === 1, { seconds: 60 });
    expect(await pods.digests()).toEqual(new Map([[before, count]]));
  }

  async function release(variables: Readonly<Record<string, string>> = {}): Promise<string> {
    builds += 1;
    const repository = shop.imagesOf("cart");
    const from = `${repository}@${released()}`;
    const digest = await pushBuild(harness.stateDir, repository, from, `0.1.${builds}`, variables);
    await delivery(harness, target, "release", "--service", `cart=${digest}`);
    return digest;
  }

  function record() {
    const path = recordPath("canary", "cart");
    const parsed = parseRecord(path, harness.repository.files()[path] ?? "");
    return "problems" in parsed ? undefined : parsed;
  }

  function released(): string {
    return record()?.image?.digest ?? "";
  }

  async function cart() {
    const location = { app: shop.app, environment: "canary", namespace: shop.namespace, argoCdNamespace: "argocd" };
    const { workloads } = await listWorkloads(harness.kubernetes, location, AbortSignal.timeout(10_000));
    const [workload] = workloads;
    if (workload === undefined) throw new Error("cart has no workload");
    return workloadStatus(workload);
  }
});
