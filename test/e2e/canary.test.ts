import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { listWorkloads } from "../../cli/status/cluster-status.ts";
import { workloadStatus } from "../../cli/status/workload-status.ts";
import { errorMessage } from "../../core/error.ts";
import { parseRecord, recordPath } from "../../git/release-record.ts";
import { gitUsers } from "../../sandbox/machine/credentials.ts";
import { startRollouts, stopRollouts } from "../../sandbox/machine/rollouts/rollouts.ts";
import { buildTools } from "../../sandbox/machine/tools/go-tools.ts";
import { eventually } from "../support/eventually.ts";
import { pushBuild } from "../support/image-push.ts";
import { webServer } from "../support/monorepo.ts";
import { PrometheusStandIn } from "../support/prometheus-stand-in.ts";
import { applicationOf, isHealthy } from "./support/application-state.ts";
import { delivery } from "./support/delivery-command.ts";
import { openEnvironment, type Environment } from "./support/environment.ts";
import { enterGitOps, type GitOpsHarness } from "./support/gitops-harness.ts";
import { writeStackFile } from "./support/stack-file.ts";

/** New images in steps, by the real controller of Argo Rollouts, with real pods where the machine has them. The tests build on each other. */
describe("gitops with canaries", () => {
  let harness: GitOpsHarness;
  let shop: Environment;
  let metrics: PrometheusStandIn;
  /** As the commands see it, which read the stack file. */
  let target: Environment & { readonly directory: string };
  let inSteps: Readonly<Record<string, unknown>>;
  let builds = 1;
  /** The share of errors that the pods of a hash have; `undefined`: nobody knows. */
  let errors: string | undefined = "0.01";

  beforeAll(async () => {
    harness = await enterGitOps();
    const { circleci } = harness.sandbox.endpoints;
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
    target = { ...shop, directory: join(harness.stateDir, "program-of-canary") };
    shop.monorepo.service("cart", webServer("cart", 'exec httpd -f -p "${PORT:-8080}" -h /www'));
    inSteps = {
      ...shared,
      // Nothing but what the rollout itself says.
      verify: { timeoutMinutes: 10 },
      services: {
        cart: {
          replicas: 4,
          rollout: {
            strategy: "canary",
            steps: [
              { weight: 25, pause: "5s" },
              { weight: 50, pause: "2s" },
            ],
            analysis: {
              prometheus: metrics.url,
              interval: "1s",
              delay: "1s",
              metrics: { errors: { query: 'sum(errors{pod=~"${pods}"})', max: 0.05 } },
            },
          },
          // A pod that is never ready is given up sooner than after minutes.
          patches: [{ kind: "Rollout", patch: { spec: { progressDeadlineSeconds: 10 } } }],
        },
      },
    };
    writeStackFile(harness, shop, target.directory, inSteps);
  }, 1_800_000);

  afterAll(async () => {
    await shop.run("destroy", inSteps);
    await stopRollouts(harness.stateDir);
    await metrics[Symbol.asyncDispose]();
  });

  test("a Deployment becomes a Rollout, and pods serve all the time", async () => {
    await shop.run("up");
    const watched = leastReady();
    await shop.run("up", inSteps);
    const deployments = `/apis/apps/v1/namespaces/${shop.namespace}/deployments`;
    await eventually(
      "the Deployment is gone",
      async () =>
        z.object({ items: z.array(z.unknown()) }).parse(await harness.kubernetes.request("GET", deployments)).items
          .length === 0,
      { seconds: 90 },
    );
    await eventually("all is well", async () => {
      const application = await applicationOf(harness.kubernetes, shop.applicationName("cart"));
      return (await cart()).health === "Healthy" && isHealthy(application);
    });
    expect(await watched()).toBe(4);
    expect((await shop.run("up", inSteps)).changes).toEqual([]);
  });

  test("a good image gets one pod of four first, and all of them after its steps", async () => {
    const digest = await release();
    await eventually("one pod of four is a new one", async () => {
      const { message } = await cart();
      return message === "at 25 %, pauses with 1 new and 3 old pods";
    });
    expect(await digests()).toEqual(
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
    expect(await digests()).toEqual(new Map([[digest, 4]]));
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
    errors = "0.01";
  });

  test("so is one whose pods are never ready", async () => {
    if (!harness.podsRun) return;
    const before = released();
    const bad = await release({ PORT: "8081" });
    await eventually("the rollout was ended", async () => (await cart()).health === "Degraded", { seconds: 60 });
    await expectTakenBack(bad, before, /^RolloutAborted: /);
  });

  /** The pods are those of before; once a verdict is asked for, Git says the same, and nothing goes through steps again. */
  async function expectTakenBack(bad: string, before: string, reason: RegExp): Promise<void> {
    expect(await cart()).toMatchObject({ state: "failed", message: expect.stringMatching(reason) });
    await eventually("the pods are those of before", async () => (await digests()).get(before) === 4);
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
    expect(await digests()).toEqual(new Map([[before, 4]]));
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

  /** How many pods run each digest, without those that end. */
  async function digests(): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (const { image } of await pods()) {
      const digest = image.split("@")[1] ?? "";
      counts.set(digest, (counts.get(digest) ?? 0) + 1);
    }
    return counts;
  }

  async function pods() {
    const path = `/api/v1/namespaces/${shop.namespace}/pods`;
    const { items } = podsSchema.parse(await harness.kubernetes.request("GET", path));
    return items
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ spec, status }) => ({
        image: spec.containers[0]?.image ?? "",
        ready: status.conditions.some(({ type, status: is }) => type === "Ready" && is === "True"),
      }));
  }

  /** Looks at the pods until it is asked for the least of them that were ready. */
  function leastReady(): () => Promise<number> {
    const stop = new AbortController();
    let least = Infinity;
    const watching = (async () => {
      while (!stop.signal.aborted) {
        least = Math.min(least, (await pods()).filter(({ ready }) => ready).length);
        await new Promise((done) => setTimeout(done, 200));
      }
    })();
    return async () => {
      stop.abort();
      await watching;
      return least;
    };
  }
});

const podsSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ deletionTimestamp: z.string().optional() }),
      spec: z.object({ containers: z.array(z.object({ image: z.string() })) }),
      status: z.object({
        conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
      }),
    }),
  ),
});
