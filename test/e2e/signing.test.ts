import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { readReleases } from "../../cli/status/git-status.ts";
import { commitToBranch } from "../../git/deploy-repository.ts";
import { commitReleases } from "../../git/records.ts";
import { recordPath, recordWith } from "../../git/release-record.ts";
import { gitUsers, loginToDeployGit } from "../../sandbox/machine/credentials.ts";
import { eventually } from "../support/eventually.ts";
import { pushBuild } from "../support/image-push.ts";
import { deploymentOf, isSettled } from "../support/sandbox-harness.ts";
import { gpgKeyPair } from "../support/signing-keys.ts";
import { applicationOf, isHealthy } from "./support/application-state.ts";
import { openEnvironment, type Environment } from "./support/environment.ts";
import { enterGitOps } from "./support/enter-gitops.ts";
import { pushToDeployRepository, type GitOpsHarness } from "./support/gitops-harness.ts";

const pair = gpgKeyPair();
const branch = "signed";

/** An environment with a branch of its own, on which Argo CD takes nothing that its key has not signed. The tests build on each other. */
describe("signed records", () => {
  let harness: GitOpsHarness;
  let shop: Environment;
  let first: string;
  let second: string;

  const signing = { keys: { signed: pair.publicKey }, others: {}, privateKey: pair.privateKey };
  const target = () => ({ repository: harness.repositoryUrl, branch, signing, directory: shop.name });
  const release = (digest: string) =>
    commitReleases({
      ...target(),
      choose: () => [{ service: "cart", repository: shop.imagesOf("cart"), digest }],
      describe: () => ({ subject: "release" }),
    });
  const runs = async (digest: string): Promise<void> => {
    await eventually(`cart runs ${digest}`, async () => {
      const cart = await deploymentOf(harness.kubernetes, shop.namespace, "cart");
      return cart.image.endsWith(digest) && isSettled(cart, 1);
    });
  };

  beforeAll(async () => {
    harness = await enterGitOps();
    loginToDeployGit(harness.stateDir, "writer");
    shop = openEnvironment(harness, { name: "signed", services: ["cart"] });
    const { secrets } = harness.credentials;
    await shop.run("up", settings(), {
      secrets: { "delivery:secrets": JSON.stringify({ ...secrets, "signing-key": pair.privateKey }) },
    });
  });

  afterAll(async () => {
    const { secrets } = harness.credentials;
    await shop.run("destroy", settings(), {
      secrets: { "delivery:secrets": JSON.stringify({ ...secrets, "signing-key": pair.privateKey }) },
    });
  });

  const settings = () => ({
    gitops: {
      repository: harness.repositoryUrl,
      username: gitUsers.reader,
      branch,
      signing: { secret: "signing-key", keys: { signed: pair.publicKey } },
    },
  });

  test("are what Argo CD syncs: the program's, and a release", async () => {
    expect(isHealthy(await applicationOf(harness.kubernetes, shop.applicationName("cart")))).toBe(true);
    const { image } = await deploymentOf(harness.kubernetes, shop.namespace, "cart");
    first = image.replace(/^.*@/, "");
    second = await pushBuild(harness.stateDir, shop.imagesOf("cart"), image, "0.1.2");
    await release(second);
    await runs(second);
  });

  test("one that nobody has signed is not applied, is named, and holds up the next release", async () => {
    const forged = recordWith({ repository: shop.imagesOf("cart"), digest: first });
    const commit = pushToDeployRepository(harness, { [recordPath(shop.name, "cart")]: forged }, branch);
    await eventually("Argo CD says why", async () =>
      (await conditionsOf()).includes(`Failed verifying revision ${commit}`),
    );
    expect((await deploymentOf(harness.kubernetes, shop.namespace, "cart")).image).toContain(second);
    const { releases } = await readReleases(target(), shop.name);
    expect(releases).toMatchObject([
      { unsigned: expect.stringMatching(/by Someone, the last to change it, is not signed$/) },
    ]);
    await expect(release(second)).rejects.toThrow(/is not signed; nothing was changed\. Look at what it does/);
  });

  test("a person who may takes it back, and all goes on", async () => {
    await commitToBranch(target(), async () => ({
      write: { [recordPath(shop.name, "cart")]: recordWith({ repository: shop.imagesOf("cart"), digest: second }) },
      message: "take it back\n",
      seals: true,
    }));
    await eventually("Argo CD has synced", async () =>
      isHealthy(await applicationOf(harness.kubernetes, shop.applicationName("cart"))),
    );
    await release(first);
    await runs(first);
  });

  async function conditionsOf(): Promise<string> {
    const path = `/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/${shop.applicationName("cart")}`;
    const { status } = conditionsSchema.parse(await harness.kubernetes.request("GET", path));
    return status.conditions.map(({ message }) => message).join("\n");
  }
});

const conditionsSchema = z.object({
  status: z.object({ conditions: z.array(z.object({ message: z.string() })).default([]) }),
});
