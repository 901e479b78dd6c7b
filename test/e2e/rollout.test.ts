import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { restrictedContainer, restrictedPod } from "../../components/manifests/pod.ts";
import { parseRecord, recordPath } from "../../git/release-record.ts";
import { isNotFound } from "../../kubernetes/errors.ts";
import { gitUsers } from "../../sandbox/machine/credentials.ts";
import { eventually } from "../support/eventually.ts";
import { pushBuild } from "../support/image-push.ts";
import { deploymentOf, deploymentPath, isSettled, namesOf } from "../support/sandbox-harness.ts";
import { applicationOf, applicationsOf, isHealthy } from "./support/application-state.ts";
import { delivery, keepDelivering } from "./support/delivery-command.ts";
import { openEnvironment, type Environment } from "./support/environment.ts";
import { enterGitOps } from "./support/enter-gitops.ts";
import { pushToDeployRepository, type GitOpsHarness } from "./support/gitops-harness.ts";

/** What is in Git is what runs. The tests build on each other. */
describe("gitops", () => {
  let harness: GitOpsHarness;
  let shop: Environment;

  beforeAll(async () => {
    harness = await enterGitOps();
    const gitops = { repository: harness.repositoryUrl, username: gitUsers.reader, release: "registry-watch" };
    shop = openEnvironment(harness, { name: "rollout", settings: { gitops } });
  });

  afterAll(async () => {
    await shop.run("destroy");
  });

  test("the first up ends when every Application is Synced and Healthy, and runs the images of the release records", async () => {
    await shop.run("up");
    const applications = await applicationsOf(harness.kubernetes, "shop-rollout");
    expect(applications).toMatchObject(
      shop.services.map((service) => ({
        name: shop.applicationName(service),
        sync: "Synced",
        health: "Healthy",
        revision: tip(),
      })),
    );
    for (const service of shop.services) {
      const state = await deploymentOf(harness.kubernetes, shop.namespace, service);
      expect(state).toMatchObject({ replicas: 1, available: 1, image: releasedImage(service) });
      expect(state.image).toMatch(/@sha256:[0-9a-f]{64}$/);
    }
  });

  test("another up changes nothing, in Git neither", async () => {
    const before = tip();
    expect((await shop.run("up")).changes).toEqual([]);
    expect(tip()).toBe(before);
  });

  test("a change of a setting shows its manifest at preview, becomes one commit, and is rolled out", async () => {
    const before = tip();
    const settings = { services: { cart: { replicas: 2 } } };
    const { output, changes } = await shop.run("preview", settings);
    expect(changes).toEqual(["update GitManifests shop"]);
    // All files are listed, and the changed ones are marked.
    expect([...output.matchAll(/[~+-] (rollout\/\S+)/g)].map(([, path]) => path)).toEqual([
      "rollout/cart/deployment.yaml",
    ]);
    expect(output).toMatch(/~ replicas +: 1 => 2/);
    expect(tip()).toBe(before);
    expect((await shop.run("up", settings)).changes).toEqual(changes);
    expect(harness.repository.git("rev-parse", "main~1")).toBe(before);
    expect(harness.repository.git("diff", "--name-only", "main~1", "main")).toBe("rollout/cart/deployment.yaml");
    await eventually("two pods of cart are available", async () =>
      isSettled(await deploymentOf(harness.kubernetes, shop.namespace, "cart"), 2),
    );
    expect((await shop.run("up")).changes).toEqual(changes);
    await eventually("one pod of cart is left", async () =>
      isSettled(await deploymentOf(harness.kubernetes, shop.namespace, "cart"), 1),
    );
  });

  test("a release by a command of CI runs its digest, and the next up leaves it", async () => {
    const digest = await pushBuild(harness.stateDir, shop.imagesOf("cart"), releasedImage("cart"), "0.1.1");
    const other = await deploymentOf(harness.kubernetes, shop.namespace, "catalog");
    expect(await delivery(harness, shop, "release", "--service", `cart=${digest}`)).toContain(digest.slice(0, 19));
    await expectRunning("cart", digest);
    expect(await deploymentOf(harness.kubernetes, shop.namespace, "catalog")).toEqual(other);
    expect((await shop.run("up")).changes).toEqual([]);
    expect((await deploymentOf(harness.kubernetes, shop.namespace, "cart")).image).toContain(digest);
  });

  test("registry-watch is declared: which images are watched, and which file a new one is written to", async () => {
    const updater = "/apis/argocd-image-updater.argoproj.io/v1alpha1/namespaces/argocd/imageupdaters/shop-rollout";
    const images = shop.services.map((service) => ({
      namePattern: shop.applicationName(service),
      images: [{ imageName: `${shop.imagesOf(service)}:0.1` }],
    }));
    expect(await harness.kubernetes.request("GET", updater)).toMatchObject({
      spec: { applicationRefs: images, writeBackConfig: { gitConfig: { writeBackTarget: "kustomization:./release" } } },
    });
  });

  test("a watcher of the registry releases a build that appears there", async () => {
    await using _watcher = keepDelivering(harness, shop, "watch", ["--interval", "500ms"]);
    const digest = await pushBuild(harness.stateDir, shop.imagesOf("catalog"), releasedImage("catalog"), "0.1.2");
    await expectRunning("catalog", digest);
    expect(harness.repository.git("log", "-1", "--format=%B")).toContain("Released-By: delivery watch");
  });

  // Before it undoes another change to the same commit, Argo CD waits 2, 6, 18 … seconds: one that it took for a change before counts.
  const selfHeal = { seconds: 120 };

  test("a change by hand in the cluster is undone by Argo CD", async () => {
    const edit = {
      body: { spec: { replicas: 3 } },
      contentType: "application/merge-patch+json",
      query: { fieldManager: "kubectl-edit" },
    };
    await harness.kubernetes.request("PATCH", deploymentPath(shop.namespace, "cart"), edit);
    await eventually(
      "cart has one pod again",
      async () => isSettled(await deploymentOf(harness.kubernetes, shop.namespace, "cart"), 1),
      selfHeal,
    );
    await harness.kubernetes.request("DELETE", `/api/v1/namespaces/${shop.namespace}/services/catalog`);
    await eventually(
      "the Service catalog is there again",
      () => harness.kubernetes.request("GET", `/api/v1/namespaces/${shop.namespace}/services/catalog`),
      selfHeal,
    );
    await eventually("both are well", async () =>
      (await applicationsOf(harness.kubernetes, "shop-rollout")).every(isHealthy),
    );
  });

  test("a change by hand in Git is rolled out, found by refresh, and undone by up", async () => {
    const path = "rollout/cart/deployment.yaml";
    const declared = harness.repository.files()[path] ?? "";
    const commit = pushToDeployRepository(harness, {
      [path]: declared.replace("replicas: 1", "replicas: 2"),
      "rollout/NOTES.md": "Ask Ann.\n",
    });
    await eventually(
      "cart has two pods",
      async () => isSettled(await deploymentOf(harness.kubernetes, shop.namespace, "cart"), 2),
      selfHeal,
    );
    expect((await applicationOf(harness.kubernetes, shop.applicationName("cart"))).revision).toBe(commit);
    expect((await shop.run("refresh")).changes).toEqual(["update GitManifests shop"]);
    expect((await shop.run("up")).changes).toEqual(["update GitManifests shop"]);
    expect(harness.repository.files()).toMatchObject({ [path]: declared, "rollout/NOTES.md": "Ask Ann.\n" });
    await eventually(
      "cart has one pod again",
      async () => isSettled(await deploymentOf(harness.kubernetes, shop.namespace, "cart"), 1),
      selfHeal,
    );
  });

  test("a commit that comes during the sync of another is synced whole after it, with its hooks", async () => {
    const declared = harness.repository.files();
    const deployment = declared["rollout/cart/deployment.yaml"] ?? "";
    const kustomization = declared["rollout/cart/kustomization.yaml"] ?? "";
    const of = async () => deploymentOf(harness.kubernetes, shop.namespace, "cart");
    const replicas = (count: number) => ({
      "rollout/cart/deployment.yaml": deployment.replace("replicas: 1", `replicas: ${count}`),
    });
    const first = pushToDeployRepository(harness, {
      ...replicas(2),
      "rollout/cart/gate.yaml": gate(releasedImage("cart")),
      "rollout/cart/kustomization.yaml": kustomization.replace("resources:\n", "resources:\n  - gate.yaml\n"),
    });
    const syncs = async () => applicationOf(harness.kubernetes, shop.applicationName("cart"));
    await eventually("the first one is being synced, and waits", async () => {
      const { revision, syncing } = await syncs();
      return syncing && revision === first;
    });
    const second = pushToDeployRepository(harness, replicas(3));
    await eventually("the second one is seen meanwhile", async () => {
      const { revision, syncing } = await syncs();
      return syncing && revision === second;
    });
    await eventually("the second sync was one of everything", async () => {
      await openGate();
      const { syncing, syncedRevision, selfHeals } = await syncs();
      return !syncing && syncedRevision === second && selfHeals === 0;
    });
    // Not before: where the cluster's answer is slow, Argo CD heals at once what it has just synced.
    await eventually("cart has three pods", async () => isSettled(await of(), 3));
    pushToDeployRepository(harness, {
      ...replicas(1),
      "rollout/cart/gate.yaml": undefined,
      "rollout/cart/kustomization.yaml": kustomization,
    });
    await eventually("cart has one pod again", async () => isSettled(await of(), 1));
  });

  test("a manifest that is no longer declared goes from the cluster, too", async () => {
    shop.monorepo.remove("svc/catalog_service");
    const { changes } = await shop.run("up");
    expect(changes).toEqual([
      "delete Application catalog",
      "delete Image catalog",
      "update GitManifests shop",
      "update ImageUpdater image-updater",
      "update ServiceImage shop",
    ]);
    expect(await namesOf(harness.kubernetes, "apps/v1/deployments", shop.namespace)).toEqual(["cart"]);
    expect(Object.keys(harness.repository.files()).filter((path) => path.startsWith(`${shop.name}/catalog/`))).toEqual(
      [],
    );
  });

  /** A hook before each sync that waits until it is opened. It has no pods. */
  const gate = (image: string): string =>
    stringify({
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: {
        name: "gate",
        annotations: {
          "argocd.argoproj.io/hook": "PreSync",
          "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation,HookSucceeded",
        },
      },
      spec: {
        suspend: true,
        completions: 0,
        template: {
          spec: {
            ...restrictedPod(),
            restartPolicy: "Never",
            containers: [{ ...restrictedContainer(), name: "gate", image }],
          },
        },
      },
    });

  /** Opens the gate of a sync that waits at one. */
  async function openGate(): Promise<void> {
    const job = `/apis/batch/v1/namespaces/${shop.namespace}/jobs/gate`;
    const body = { spec: { suspend: false } };
    await harness.kubernetes
      .request("PATCH", job, { body, contentType: "application/merge-patch+json" })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
  }

  const tip = (): string => harness.repository.git("rev-parse", "main");

  /** The image by digest that Git says a service runs. */
  function releasedImage(service: string): string {
    const path = recordPath(shop.name, service);
    const record = parseRecord(path, harness.repository.files()[path] ?? "");
    if ("problems" in record || record.image === undefined) throw new Error(`${path} names no image`);
    return `${record.image.repository}@${record.image.digest}`;
  }

  async function expectRunning(service: string, digest: string): Promise<void> {
    await eventually(`${service} runs ${digest}`, async () => {
      const state = await deploymentOf(harness.kubernetes, shop.namespace, service);
      return state.image === `${shop.imagesOf(service)}@${digest}` && isSettled(state, 1);
    });
    expect(releasedImage(service)).toContain(digest);
    await eventually(`${service} is well`, async () =>
      isHealthy(await applicationOf(harness.kubernetes, shop.applicationName(service))),
    );
  }
});
