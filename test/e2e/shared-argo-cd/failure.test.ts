import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { initialRecord, recordPath } from "../../../git/release-record.ts";
import { stopProcess } from "../../../sandbox/machine/process.ts";
import { eventually } from "../../support/eventually.ts";
import { webServer } from "../../support/monorepo.ts";
import { deploymentOf, isSettled } from "../../support/sandbox-harness.ts";
import { applicationsOf, isHealthy } from "../support/application-state.ts";
import { delivery } from "../support/delivery-command.ts";
import { openEnvironment, shortTimeouts, type Environment } from "../support/environment.ts";
import { enterGitOps } from "../support/enter-gitops.ts";
import { pushToDeployRepository, type GitOpsHarness } from "../support/gitops-harness.ts";

/** What fails on the way from the program to the cluster, and how the next up goes on. The tests build on each other. */
describe("a failed update", () => {
  let harness: GitOpsHarness;
  let shop: Environment;

  beforeAll(async () => {
    harness = await enterGitOps();
    shop = openEnvironment(harness, { name: "failure" });
  });

  afterAll(async () => {
    await shop.run("destroy");
  });

  test("ends in time where an Application cannot be synced, and says why in Argo CD's words", async () => {
    pushToDeployRepository(harness, { [recordPath("failure", "cart")]: "images: [\n" });
    const { error } = await shop.fail("up", {}, shortTimeouts(20));
    expect(error).toMatch(/Application argocd\/shop-failure-cart did not become ready within 20 s/);
    expect(error).toMatch(/ComparisonError: .*cart\/release.*invalid Kustomization/s);
    expect(error).not.toMatch(/Application argocd\/shop-failure-catalog/);
  });

  test("is finished by the next up once the reason is gone", async () => {
    pushToDeployRepository(harness, { [recordPath("failure", "cart")]: initialRecord("cart") });
    await shop.run("up", {}, shortTimeouts(60));
    expect((await applicationsOf(harness.kubernetes, "shop-failure")).map(isHealthy)).toEqual([true, true]);
    await delivery(harness, shop, "watch", "--once");
    await eventually("cart has a pod", async () =>
      isSettled(await deploymentOf(harness.kubernetes, shop.namespace, "cart"), 1),
    );
  });

  test("says what the pods of an Application die of", async () => {
    if (!harness.podsRun) return;
    const sick = openEnvironment(harness, {
      name: "sick",
      app: "clinic",
      services: ["ward"],
      settings: { owns: { ciProject: true } },
    });
    sick.monorepo.service("ward", webServer("ward", "echo cannot find the nurse >&2; exit 3"));
    const { error } = await sick.fail("up", {}, shortTimeouts(20));
    expect(error).toMatch(
      /Application argocd\/clinic-sick-ward did not become ready within 20 s.*pod clinic-sick\/ward-\S+:.*exit code 3/s,
    );
    await sick.run("destroy");
  });

  test("while the Git server is down names the repository and the way out, and changes nothing", async () => {
    const before = harness.repository.git("rev-parse", "main");
    await stopProcess(harness.stateDir, "git-server");
    const { error } = await shop.fail("up", { services: { cart: { replicas: 2 } } });
    expect(error).toContain(
      `${harness.repositoryUrl} cannot be reached; check the URL and the network, and run the same command again`,
    );
    expect(harness.repository.git("rev-parse", "main")).toBe(before);
    expect(await deploymentOf(harness.kubernetes, shop.namespace, "cart")).toMatchObject({ replicas: 1, available: 1 });
  });

  test("is resumed when the Git server is back", async () => {
    await enterGitOps();
    expect((await shop.run("up", { services: { cart: { replicas: 2 } } })).changes).toEqual([
      "update GitManifests shop",
    ]);
    await eventually("cart has two pods", async () =>
      isSettled(await deploymentOf(harness.kubernetes, shop.namespace, "cart"), 2),
    );
  });

  test("does not come of a commit by others at the same moment: both commits are there", async () => {
    const hook = commitDuringNextPush(harness.repository.path, "others/README.md");
    expect((await shop.run("up")).changes).toEqual(["update GitManifests shop"]);
    expect(readdirSync(join(harness.repository.path, "hooks"))).not.toContain(hook);
    expect(harness.repository.subjects().slice(0, 2)).toEqual(["deploy(failure): manifests", "by someone faster"]);
    expect(harness.repository.files()).toHaveProperty(["others/README.md"]);
    await eventually("cart has one pod again", async () =>
      isSettled(await deploymentOf(harness.kubernetes, shop.namespace, "cart"), 1),
    );
  });
});

/** Makes the server receive another commit just before it accepts the next push. Returns the hook's name. */
function commitDuringNextPush(repository: string, path: string): string {
  const script = `#!/bin/sh
rm "$0"
# The push's own objects are in quarantine, and no ref may be changed from within.
unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
printf 'commit refs/heads/main\\ncommitter Someone <someone@example.com> now\\ndata 18\\nby someone faster\\n\\nfrom refs/heads/main^0\\nM 100644 inline ${path}\\ndata 3\\nhi\\n\\n' |
  git --git-dir '${repository}' fast-import --quiet --date-format=now
`;
  writeFileSync(join(repository, "hooks", "pre-receive"), script, { mode: 0o755 });
  return "pre-receive";
}
