import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { parseRecord, recordPath } from "../../../git/release-record.ts";
import { gitUsers } from "../../../sandbox/machine/credentials.ts";
import { sandboxSettings } from "../../../sandbox/machine/endpoints.ts";
import { listProcesses } from "../../../sandbox/machine/process.ts";
import { eventually } from "../../support/eventually.ts";
import { pushBuild } from "../../support/image-push.ts";
import { deploymentOf, isSettled, namesOf } from "../../support/sandbox-harness.ts";
import { applicationOf, applicationsOf, isHealthy } from "../support/application-state.ts";
import { openEnvironment, type Environment } from "../support/environment.ts";
import { openContributor, type Contributor } from "../support/github-account.ts";
import { enterGitOps } from "../support/enter-gitops.ts";
import type { GitOpsHarness } from "../support/gitops-harness.ts";

const program = join(import.meta.dirname, "..", "..", "..", "cli", "delivery.js");

/** A labelled pull request has an environment of its own for as long as it is open. The tests build on each other. */
describe("preview environments", () => {
  let harness: GitOpsHarness;
  let shop: Environment;
  let workplace: Contributor;
  let first: { number: number; commit: string };

  beforeAll(async () => {
    harness = await enterGitOps();
    workplace = await openContributor(harness, "bazaar");
    const previews = { intervalSeconds: 1 };
    const gitops = { repository: harness.repositoryUrl, username: gitUsers.reader, previews };
    const github = { repository: workplace.repository, api: harness.sandbox.endpoints.githubApi };
    shop = openEnvironment(harness, { name: "base", app: "bazaar", settings: { gitops, github } });
    shop.monorepo.write("svc/cart_service/service.yaml", "peers: [catalog]\nsecrets: { TOKEN: token-secret }\n");
    writeStackFile({ gitops, github });
    await shop.run("up");
    first = await workplace.propose("first");
  });

  afterAll(async () => {
    await shop.run("destroy");
  });

  test("a label gives a pull request an Application", async () => {
    await workplace.label(first.number, "preview");
    await eventually("there is an Application of the pull request", () =>
      applicationOf(harness.kubernetes, `bazaar-pr-${first.number}`),
    );
    expect(
      listProcesses(harness.stateDir).find(({ name }) => name === "argocd-applicationset-controller"),
    ).toMatchObject({
      running: true,
    });
  });

  test("what CI commits runs in a namespace of its own, beside the environment that it is made after", async () => {
    const before = await deploymentOf(harness.kubernetes, shop.namespace, "cart");
    const digest = await pushBuild(harness.stateDir, shop.imagesOf("cart"), before.image, "0.1.1");
    const output = await delivery(first, { cart: digest }, "--comment");
    expect(output).toContain(`pr-${first.number}: cart ${digest.slice(0, 19)} (changed)`);
    await expectWell(first.number);
    const cart = await deploymentOf(harness.kubernetes, namespaceOf(first), "cart");
    const catalog = await deploymentOf(harness.kubernetes, namespaceOf(first), "catalog");
    expect([cart.image, catalog.image]).toEqual([`${shop.imagesOf("cart")}@${digest}`, releasedImage("catalog")]);
    expect([cart, catalog].every((deployment) => isSettled(deployment, 1))).toBe(true);
    expect(await deploymentOf(harness.kubernetes, shop.namespace, "cart")).toEqual(before);
    // With which its pods pull, as far as containers run.
    expect(await namesOf(harness.kubernetes, "v1/secrets", namespaceOf(first))).toContain("registry-credentials");
    const [comment, ...more] = await workplace.github.comments(first.number);
    expect(more).toEqual([]);
    expect(comment?.body).toContain(`| cart | \`${digest.slice(0, 19)}\` | **this pull request** |`);
  });

  test("no secret of the environment gets into Git or into the namespace", async () => {
    const files = JSON.stringify(harness.repository.files());
    const namespace = `/api/v1/namespaces/${namespaceOf(first)}/secrets/cart-secrets`;
    const secret = JSON.stringify(await harness.kubernetes.request("GET", namespace));
    for (const value of Object.values(harness.credentials.secrets)) {
      for (const text of [value, Buffer.from(value).toString("base64")]) {
        expect(files).not.toContain(text);
        expect(secret).not.toContain(text);
      }
    }
  });

  test("another commit is rolled out, and changes nothing else", async () => {
    const catalog = await deploymentOf(harness.kubernetes, namespaceOf(first), "catalog");
    const digest = await pushBuild(harness.stateDir, shop.imagesOf("cart"), releasedImage("cart"), "0.1.2");
    await delivery(first, { cart: digest });
    await eventually("the new image runs", async () => {
      const cart = await deploymentOf(harness.kubernetes, namespaceOf(first), "cart");
      return isSettled(cart, 1) && cart.image.endsWith(digest);
    });
    expect(await deploymentOf(harness.kubernetes, namespaceOf(first), "catalog")).toEqual(catalog);
  });

  test("when the pull request is closed, all of it goes, and its files with the next tidying up", async () => {
    await workplace.close(first.number);
    await expectGone(first.number);
    expect(await run("--remove-closed", "--comment")).toContain(
      `pr-${first.number}: removed, since pull request ${first.number} is closed`,
    );
    expect(previewFiles()).toEqual([]);
    const [comment] = await workplace.github.comments(first.number);
    expect(comment?.body).toContain("Removed: the pull request is closed.");
  });

  test("a destroy takes the environments of open pull requests along", async () => {
    const second = await workplace.propose("second");
    await workplace.label(second.number, "preview");
    await delivery(second, { catalog: releasedImage("catalog").split("@")[1] ?? "" });
    await expectWell(second.number);
    await shop.run("destroy");
    expect(await namespaces()).not.toContain(namespaceOf(second));
    await eventually("their controller has nothing to do and stops", async () =>
      listProcesses(harness.stateDir).every(({ name }) => name !== "argocd-applicationset-controller"),
    );
    await workplace.close(second.number);
    await run("--remove-closed");
    expect(previewFiles()).toEqual([]);
  });

  function previewFiles(): string[] {
    return Object.keys(harness.repository.files()).filter((path) => path.startsWith("previews/"));
  }

  function namespaceOf({ number }: { number: number }): string {
    return `bazaar-pr-${number}`;
  }

  async function expectWell(number: number): Promise<void> {
    await eventually(
      "the environment is Synced and Healthy",
      async () => isHealthy(await applicationOf(harness.kubernetes, `bazaar-pr-${number}`)),
      { seconds: 60 },
    );
  }

  async function expectGone(number: number): Promise<void> {
    await eventually(
      "Application and namespace are gone",
      async () =>
        (await applicationsOf(harness.kubernetes, "bazaar-previews")).length === 0 &&
        !(await namespaces()).includes(`bazaar-pr-${number}`),
      { seconds: 60 },
    );
  }

  async function namespaces(): Promise<string[]> {
    const { items } = await harness.kubernetes.request("GET", "/api/v1/namespaces");
    return (Array.isArray(items) ? items : []).map((item) => String(Object(Object(item).metadata).name));
  }

  function releasedImage(service: string): string {
    const parsed = parseRecord("", harness.repository.files()[recordPath("base", service)] ?? "");
    if ("problems" in parsed || parsed.image === undefined) throw new Error(`${service} is not released`);
    return `${parsed.image.repository}@${parsed.image.digest}`;
  }

  /** The part of the stack file that the command reads; CI has it in its checkout. */
  function writeStackFile(settings: object): void {
    const folder = join(harness.stateDir, "programs", "base", "stacks");
    mkdirSync(folder, { recursive: true });
    const all = {
      schemaVersion: 2,
      app: { name: shop.app, directory: shop.monorepo.directory },
      images: {
        registry: harness.sandbox.endpoints.registryHost,
        organization: "delinkcious",
        username: sandboxSettings().images.username,
        source: "build",
      },
      ...settings,
    };
    const config = Object.fromEntries(Object.entries(all).map(([key, value]) => [`delivery:${key}`, value]));
    writeFileSync(join(folder, "Pulumi.base.yaml"), stringify({ config }));
  }

  async function delivery(
    { number, commit }: { number: number; commit: string },
    digests: Record<string, string>,
    ...args: string[]
  ): Promise<string> {
    const file = join(harness.stateDir, "programs", "digests.json");
    writeFileSync(file, JSON.stringify(digests));
    return run("--pull-request", String(number), "--digests", file, "--source-commit", commit, ...args);
  }

  /** Runs the command as CI does. */
  async function run(...args: string[]): Promise<string> {
    const command = [program, "preview-environment", "--env", "base", ...args];
    const { stdout } = await promisify(execFile)(process.execPath, command, {
      cwd: join(harness.stateDir, "programs", "base"),
      env: {
        PATH: process.env["PATH"],
        // It may change nothing but previews/, which is enough.
        DELIVERY_GIT_TOKEN: harness.credentials.gitPreviewsToken,
        DELIVERY_GITHUB_TOKEN: harness.credentials.githubToken,
      },
    });
    return stdout;
  }
});
