import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { deploymentOf, deploymentPath } from "../../support/sandbox-harness.ts";
import { applicationOf, isHealthy } from "../support/application-state.ts";
import { clusterFindings } from "../support/cluster-findings.ts";
import { openEnvironment, type Environment } from "../support/environment.ts";
import { enterGitOps } from "../support/enter-gitops.ts";
import type { GitOpsHarness } from "../support/gitops-harness.ts";

const neither = "neither from Argo CD nor from the stack";

/** What people set by hand beside what is in Git: Argo CD sees nothing of it, `delivery drift` does. The tests build on each other. */
describe("changes by others", () => {
  let harness: GitOpsHarness;
  let shop: Environment;

  beforeAll(async () => {
    harness = await enterGitOps();
    shop = openEnvironment(harness, { name: "foreign", services: ["cart"] });
    await shop.run("up");
  });

  afterAll(async () => {
    await shop.run("destroy");
  });

  test("are none where Argo CD and the cluster's own controllers alone have written", async () => {
    expect(await clusterFindings(harness, shop)).toEqual([]);
  });

  test("are none after a restart by kubectl, which the documentation asks for", async () => {
    const restartedAt = new Date().toISOString();
    const annotations = { "kubectl.kubernetes.io/restartedAt": restartedAt };
    await edit("kubectl-rollout", { spec: { template: { metadata: { annotations } } } });
    await expectFindings([]);
  });

  test("are named by field and by who has made them, though Argo CD stays Synced", async () => {
    const container = (name: string, content: object) => ({
      spec: { template: { spec: { containers: [{ name, ...content }] } } },
    });
    const { image } = await deploymentOf(harness.kubernetes, shop.namespace, "cart");
    await edit("kubectl-set", container("cart", { env: [{ name: "DEBUG", value: "1" }] }));
    await edit("kubectl-label", { metadata: { labels: { team: "blue" } } });
    await edit("kubectl-annotate", { metadata: { annotations: { "example.com/owner": "ann" } } });
    await edit("kubectl-patch", container("sidecar", { ...sidecar, image }));
    const pod = "spec.template.spec.containers";
    await expectFindings([
      `Deployment cart has metadata.annotations["example.com/owner"] from kubectl-annotate, ${neither}`,
      `Deployment cart has metadata.labels.team from kubectl-label, ${neither}`,
      `Deployment cart has ${pod}[cart].env[DEBUG] from kubectl-set, ${neither}`,
      `Deployment cart has ${pod}[sidecar] from kubectl-patch, ${neither}`,
    ]);
    expect(isHealthy(await applicationOf(harness.kubernetes, shop.applicationName("cart")))).toBe(true);
  });

  /** Fits the restricted pod security of the namespace. */
  const sidecar = {
    command: ["sh", "-c", "sleep 3600"],
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] }, readOnlyRootFilesystem: true },
    resources: { requests: { cpu: "1m", memory: "8Mi" } },
  };

  /** As kubectl does, whose commands each have a name of their own. */
  async function edit(fieldManager: string, body: object): Promise<void> {
    await harness.kubernetes.request("PATCH", deploymentPath(shop.namespace, "cart"), {
      body,
      contentType: "application/strategic-merge-patch+json",
      query: { fieldManager },
    });
  }

  /** Until the rollout has ended and Argo CD has seen it, its progress is a finding, too. */
  async function expectFindings(expected: readonly string[]): Promise<void> {
    const found = await eventually(
      `findings are ${expected.length}`,
      async () => {
        const findings = await clusterFindings(harness, shop);
        return findings.length === expected.length && { findings };
      },
      { seconds: 120 },
    );
    expect(found.findings).toEqual(expected);
  }
});
