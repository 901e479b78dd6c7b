import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseRecord, recordPath, type ReleaseRecord } from "../../../git/release-record.ts";
import { waveDirectory } from "../../../git/waves.ts";
import { gitUsers } from "../../../sandbox/machine/credentials.ts";
import { circleCiEndpoint, sandboxSettings } from "../../../sandbox/machine/endpoints.ts";
import { eventually } from "../../support/eventually.ts";
import { pushBuild } from "../../support/image-push.ts";
import { webServer } from "../../support/monorepo.ts";
import { ciSecrets, type Variation } from "../../support/pipeline.ts";
import { deploymentOf, isSettled } from "../../support/sandbox-harness.ts";
import { startDelivery } from "../support/delivery-command.ts";
import { openEnvironment, type Environment } from "../support/environment.ts";
import { startFurtherCluster, writeJointKubeconfig, type FurtherCluster } from "../support/further-cluster.ts";
import { enterGitOps } from "../support/enter-gitops.ts";
import type { GitOpsHarness } from "../support/gitops-harness.ts";
import { writeStackFile } from "../support/stack-file.ts";

/** A release goes from the sandbox's own cluster to a second one, which real Argo CD knows by the Secret that the stack declares. */
describe("an environment on two clusters", () => {
  let harness: GitOpsHarness;
  let eu: FurtherCluster;
  let shop: Environment;
  let target: Environment & { readonly directory: string };
  let variation: Variation;
  let settings: Readonly<Record<string, unknown>>;
  let builds = 1;
  const application = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/stall-waves.eu-cart";

  beforeAll(async () => {
    harness = await enterGitOps();
    eu = await startFurtherCluster(harness.stateDir);
    const { registryHost } = harness.sandbox.endpoints;
    const circleci = circleCiEndpoint(harness.sandbox.endpoints);
    const kubeconfigPath = writeJointKubeconfig(join(harness.stateDir, "both.kubeconfig"), {
      own: harness.sandbox.cluster.kubeconfigPath,
      eu: eu.kubeconfigPath,
    });
    const common = {
      ci: {
        organizationId: circleci.organizationId,
        host: circleci.url,
        environment: { DELIVERY_KUBECONFIG: "deploy-token" },
      },
      gitops: { repository: harness.repositoryUrl, username: gitUsers.reader },
    };
    shop = openEnvironment(harness, { name: "waves", app: "stall", services: ["cart"], settings: common });
    // An image whose variable BAD is set never listens.
    shop.monorepo.service("cart", webServer("cart", '[ -z "$BAD" ] || exec sleep 1000; exec httpd -f -p 8080 -h /www'));
    await shop.run("up");
    const { organization, username } = sandboxSettings().images;
    const { server, token, ca } = eu;
    settings = {
      ...common,
      images: { registry: registryHost, organization, username, source: "registry" },
      verify: {},
      clusters: [{ name: "eu", wave: 2, context: "eu", server, token: "eu-token", ca }],
    };
    variation = {
      endpoints: { kubeconfigPath },
      secrets: { "delivery:secrets": JSON.stringify({ ...ciSecrets, "eu-token": token }) },
    };
    target = { ...shop, directory: join(harness.stateDir, "program-of-waves") };
    writeStackFile(harness, shop, target.directory, settings);
  });

  afterAll(async () => {
    // A test that has failed may have left it away.
    await using _cluster = await startFurtherCluster(harness.stateDir);
    await shop.run("destroy", settings, variation);
    await eu[Symbol.asyncDispose]();
  });

  test("has the second one declared by the stack, and what has proved itself comes there", async () => {
    if (!harness.podsRun) return;
    const first = record(1).image?.digest ?? "";
    await shop.run("up", settings, variation);
    // Nothing has moved on the first one.
    expect(record(1).image?.digest).toBe(first);
    expect(record(2).image).toBeUndefined();
    expect(await harness.kubernetes.request("GET", application)).toMatchObject({
      spec: {
        project: "stall-waves.eu",
        source: { path: "waves.wave-2/cart" },
        destination: { server: eu.server, namespace: "stall-waves" },
      },
    });
    const secret = "/api/v1/namespaces/argocd/secrets/stall-waves.eu-cluster";
    expect(await harness.kubernetes.request("GET", secret)).toMatchObject({
      metadata: { labels: { "argocd.argoproj.io/secret-type": "cluster" } },
    });
    expect(await verify()).toBe("");
    expect(record(2)).toMatchObject({ image: { digest: first }, verification: { state: "passed" } });
    await expectRunning(eu, first);

    const next = await release();
    expect(record(2).image?.digest).toBe(first);
    expect(await verify()).toBe("");
    expect([record(1), record(2)]).toMatchObject(
      [1, 2].map(() => ({ image: { digest: next }, verification: { state: "passed" } })),
    );
    await expectRunning(harness, next);
    await expectRunning(eu, next);
  });

  test("one that is away is named, and what fails on the other is taken back all the same", async () => {
    if (!harness.podsRun) return;
    const good = await release();
    const before = record(2).image?.digest;
    await eu[Symbol.asyncDispose]();
    await eventually("the first wave passes", async () => {
      await verify("5s");
      return record(1).verification?.state === "passed";
    });
    expect(await verify("5s")).toMatch(/waves, wave 2 on eu cannot be asked, so cart has no verdict yet/);
    expect([record(1), record(2)]).toMatchObject([
      { image: { digest: good }, verification: { state: "passed" } },
      { image: { digest: good }, verification: { state: "pending" } },
    ]);
    expect(before).not.toBe(good);

    // However slow the machine is, only what never comes takes longer than it may.
    writeStackFile(harness, shop, target.directory, { ...settings, verify: { timeoutMinutes: 0.2 } });
    const bad = await release({ BAD: "yes" });
    const said = await eventually("it is taken back", async () => {
      const text = await verify("5s");
      return record(1).rejected === undefined ? undefined : text;
    });
    expect(said).toMatch(/waves, wave 2 on eu cannot be asked, so cart has no verdict yet/);
    expect(said).toMatch(/cart sha256:\w{12} has failed: in-cluster: .*; taken back to sha256:\w{12}/);
    expect(record(1)).toMatchObject({ image: { digest: good }, rejected: { digest: bad } });
    await expectRunning(harness, good);

    writeStackFile(harness, shop, target.directory, settings);
    eu = await startFurtherCluster(harness.stateDir);
    await harness.kubernetes.request("PATCH", application, {
      contentType: "application/merge-patch+json",
      body: { metadata: { annotations: { "argocd.argoproj.io/refresh": "normal" } } },
    });
    await expectRunning(eu, good);
    expect(await verify()).toBe("");
    expect(record(2)).toMatchObject({ image: { digest: good }, verification: { state: "passed" } });
  });

  async function release(variables: Readonly<Record<string, string>> = {}): Promise<string> {
    builds += 1;
    const from = `${shop.imagesOf("cart")}@${record(1).image?.digest}`;
    const tag = `0.1.${builds}`;
    const digest = await pushBuild(harness.stateDir, shop.imagesOf("cart"), from, tag, { BAD: "", ...variables });
    expect(await run("release", "--service", `cart=${digest}`)).toBe("");
    return digest;
  }

  const verify = (wait = "10m"): Promise<string> => run("verify", "--wait", wait);

  /** What the command says if it fails; empty where it does not. */
  async function run(command: string, ...args: readonly string[]): Promise<string> {
    const kubeconfig = join(harness.stateDir, "both.kubeconfig");
    const child = startDelivery(harness, target, command, ["--env", "waves", ...args], { KUBECONFIG: kubeconfig });
    const errors: string[] = [];
    child.stdout.resume();
    child.stderr.on("data", (data) => errors.push(String(data)));
    const code = await new Promise((done) => child.once("close", done));
    return code === 0 ? "" : errors.join("");
  }

  function record(wave: number): ReleaseRecord {
    const path = recordPath(waveDirectory(shop.name, wave), "cart");
    const parsed = parseRecord(path, harness.repository.files()[path] ?? "");
    if ("problems" in parsed) throw new Error(JSON.stringify(parsed.problems));
    return parsed;
  }

  async function expectRunning(on: Pick<GitOpsHarness, "kubernetes">, digest: string): Promise<void> {
    await eventually(`cart runs ${digest}`, async () => {
      const state = await deploymentOf(on.kubernetes, shop.namespace, "cart");
      return state.image.endsWith(digest) && isSettled(state, 1);
    });
  }
});
