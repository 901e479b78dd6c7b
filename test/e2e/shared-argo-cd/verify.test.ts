import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorMessage } from "../../../core/error.ts";
import { parseRecord, recordPath, type ReleaseRecord } from "../../../git/release-record.ts";
import { gitUsers } from "../../../sandbox/machine/credentials.ts";
import { circleCiEndpoint } from "../../../sandbox/machine/endpoints.ts";
import { eventually } from "../../support/eventually.ts";
import { pushBuild } from "../../support/image-push.ts";
import { webServer } from "../../support/monorepo.ts";
import { deploymentOf, isSettled } from "../../support/sandbox-harness.ts";
import { delivery } from "../support/delivery-command.ts";
import { openEnvironment, type Environment } from "../support/environment.ts";
import { enterGitOps } from "../support/enter-gitops.ts";
import type { GitOpsHarness } from "../support/gitops-harness.ts";
import { writeStackFile } from "../support/stack-file.ts";

/** What the image's variable BAD says becomes of it: `late` answers 500 once it has run for six seconds, `never` does not listen. */
const start = `date +%s > /tmp/started; echo "$BAD" > /tmp/bad
[ "$BAD" = never ] && exec sleep 1000
exec httpd -f -p 8080 -h /www`;
const health = String.raw`#!/bin/sh\nage=$(( $(date +%%s) - $(cat /tmp/started) ))\n[ "$(cat /tmp/bad)" = late ] && [ $age -ge 6 ] && echo "Status: 500 Internal Server Error"\necho\necho ok\n`;

/** Images prove themselves in real pods, and those that do not are taken back, in Git and on the cluster. */
describe("verify", () => {
  let harness: GitOpsHarness;
  let shop: Environment;
  let target: Environment & { readonly directory: string };
  let settings: Readonly<Record<string, unknown>>;
  let builds = 1;

  beforeAll(async () => {
    harness = await enterGitOps();
    const circleci = circleCiEndpoint(harness.sandbox.endpoints);
    settings = {
      ci: {
        organizationId: circleci.organizationId,
        host: circleci.url,
        environment: { DELIVERY_KUBECONFIG: "deploy-token" },
      },
      gitops: { repository: harness.repositoryUrl, username: gitUsers.reader },
      verify: { minutes: 0.2, checks: [{ http: { path: "/cgi-bin/health", contains: "ok" } }] },
    };
    // Its images are none that others may release: some are bad.
    shop = openEnvironment(harness, { name: "verified", app: "kiosk", services: ["cart"], settings });
    shop.monorepo.service(
      "cart",
      `${webServer("cart", start)}RUN mkdir /www/cgi-bin && printf '${health}' > /www/cgi-bin/health && chmod +x /www/cgi-bin/health\n`,
    );
    target = { ...shop, directory: join(harness.stateDir, "program-of-verified") };
    writeStackFile(harness, shop, target.directory, settings);
    await shop.run("up");
  });

  afterAll(async () => {
    await shop.run("destroy");
  });

  test("a good image passes, and what was found stands in its record", async () => {
    if (!harness.podsRun) return;
    const digest = await release();
    expect(record().verification).toEqual({ state: "pending" });
    expect(await verify()).toBe("");
    expect(record()).toMatchObject({ image: { digest }, verification: { state: "passed" } });
    expect(record().verification).toMatchObject({
      evidence: expect.stringContaining("GET /cgi-bin/health of 1 pods: 200"),
    });
    await expectRunning(digest);
  });

  test.each([
    ["answers 500 after some seconds", "late", /GET \/cgi-bin\/health of pod cart-\S+: 500 in place of 200/],
    ["is never ready", "never", /after 0.2 minutes, it is Progressing: .*; not ready: cart-/],
  ])("one that %s is taken back in Git and on the cluster", async (_what, bad, reason) => {
    if (!harness.podsRun) return;
    // However slow the machine is, only what never comes takes longer than it may.
    if (bad === "never")
      writeStackFile(harness, shop, target.directory, { ...settings, verify: { timeoutMinutes: 0.2 } });
    const { image, verification } = record();
    const good = image?.digest ?? "";
    const digest = await release({ BAD: bad });
    expect(await verify()).toMatch(reason);
    expect(record()).toMatchObject({ image: { digest: good }, verification, rejected: { digest } });
    expect(record().rejected?.reason).toMatch(reason);
    await expectRunning(good);
    expect(await delivery(harness, target, "verify")).toBe("verified: nothing waits for a verdict\n");
  });

  async function release(variables: Readonly<Record<string, string>> = {}): Promise<string> {
    builds += 1;
    const from = `${shop.imagesOf("cart")}@${record().image?.digest}`;
    const digest = await pushBuild(harness.stateDir, shop.imagesOf("cart"), from, `0.1.${builds}`, {
      BAD: "",
      ...variables,
    });
    await delivery(harness, target, "release", "--service", `cart=${digest}`);
    return digest;
  }

  /** What the command says if it fails; empty where it does not. */
  const verify = (): Promise<string> =>
    delivery(harness, target, "verify", "--wait", "2m").then(() => "", errorMessage);

  function record(): ReleaseRecord {
    const path = recordPath(shop.name, "cart");
    const parsed = parseRecord(path, harness.repository.files()[path] ?? "");
    if ("problems" in parsed) throw new Error(JSON.stringify(parsed.problems));
    return parsed;
  }

  async function expectRunning(digest: string): Promise<void> {
    await eventually(
      `cart runs ${digest}`,
      async () => {
        const state = await deploymentOf(harness.kubernetes, shop.namespace, "cart");
        return state.image.endsWith(digest) && isSettled(state, 1);
      },
      { seconds: 60 },
    );
  }
});
