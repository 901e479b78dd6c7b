import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { logOf, podsOf } from "../../support/pod-program.ts";
import { fileSecret, mountedFile, podSettings, writePodServices } from "../../support/pod-services.ts";
import { applicationsOf, isHealthy } from "../support/application-state.ts";
import { clusterFindings } from "../support/cluster-findings.ts";
import { openEnvironment, type Environment } from "../support/environment.ts";
import { enterGitOps } from "../support/enter-gitops.ts";
import type { GitOpsHarness } from "../support/gitops-harness.ts";

/** The pods of services that say all that they can of them, by way of Git; what they are from within, an integration test shows. */
describe("pods, delivered by GitOps", () => {
  let harness: GitOpsHarness;
  let shop: Environment;

  beforeAll(async () => {
    harness = await enterGitOps();
    shop = openEnvironment(harness, { name: "pods", services: [], settings: { services: podSettings } });
    writePodServices(shop.monorepo);
    await shop.run("up");
  });

  afterAll(async () => {
    await shop.run("destroy");
  });

  const log = (service: string): ReturnType<typeof logOf> => logOf(harness.kubernetes, shop.namespace, service);

  test("are all Synced and Healthy, and nothing differs from what is in Git", async () => {
    const applications = await applicationsOf(harness.kubernetes, "shop-pods");
    expect(applications.length).toBeGreaterThan(5);
    expect(applications.filter((application) => !isHealthy(application))).toEqual([]);
    expect((await shop.run("up")).changes).toEqual([]);
    expect(await clusterFindings(harness, shop)).toEqual([]);
  });

  test("have their files, of which the secret one is nowhere in Git", async () => {
    const secret = harness.credentials.secrets[fileSecret] ?? "";
    await eventually("the pod says what it found", async () => {
      const found = (await log("commanded")).find((entry) => entry["started"] !== undefined) as {
        files?: Record<string, string>;
      };
      expect(found.files).toMatchObject({
        "/etc/app/app.yaml": "level: info\nlist: [yes, 0o7]\n",
        "/etc/app/logo.bin": "\r\n\u0000",
        "/etc/app/key.pem": secret,
      });
      return true;
    });
    expect(Object.values(harness.repository.files()).filter((text) => text.includes(secret))).toEqual([]);
  });

  test("are made anew when the content of a file of the monorepo changes", async () => {
    const [before] = await podsOf(harness.kubernetes, shop.namespace, "commanded");
    shop.monorepo.write(mountedFile, "\u0000");
    const { output } = await shop.run("preview");
    expect([...output.matchAll(/[~+-] (pods\/[^\s:]+)/g)].map(([, path]) => path)).toEqual([
      "pods/commanded/deployment.yaml",
      "pods/commanded/files.yaml",
    ]);
    await shop.run("up");
    await eventually("there is one pod, and it is another", async () => {
      const [pod, ...others] = await podsOf(harness.kubernetes, shop.namespace, "commanded");
      return others.length === 0 && pod?.ready === true && pod.name !== before?.name;
    });
    expect(await log("commanded")).toMatchObject([{ files: { "/etc/app/logo.bin": "\u0000" } }]);
  });
});
