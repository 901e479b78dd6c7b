import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StackPreview } from "../../cli/preview/model.ts";
import { circleCiEndpoint } from "../../sandbox/machine/endpoints.ts";
import { openGitHubHarness, writeToken } from "../support/github-harness.ts";
import { createMonorepo, type Monorepo } from "../support/monorepo.ts";
import { openPipeline, type Pipeline } from "../support/pipeline.ts";
import { enterSandbox, type SandboxHarness } from "../support/sandbox-harness.ts";
import { filesWith, formsOf } from "../support/secret-watch.ts";
import { openDeliveryHarness, type CliOutcome, type DeliveryHarness } from "./support/delivery-harness.ts";

const canaries = {
  DELIVERY_GIT_TOKEN: "canary-git-8e1c5b",
  DELIVERY_GITHUB_TOKEN: "",
  DOCKERHUB_PASSWORD: "canary-docker-77aa01",
  CIRCLE_TOKEN: "canary-circle-c0ffee",
  PULUMI_ACCESS_TOKEN: "canary-pulumi-5eed",
};

/** `delivery preview` on a stack of the real engine, with the offline providers as plugins. */
describe("the report of a preview", () => {
  let harness: SandboxHarness;
  let monorepo: Monorepo;
  let pipeline: Pipeline;
  let delivery: DeliveryHarness;
  let state: string;
  let secrets: string[];

  beforeAll(async () => {
    harness = await enterSandbox();
    monorepo = createMonorepo(join(harness.stateDir, "monorepos", "report"), ["cart", "catalog"]);
    pipeline = openPipeline({ ...harness, name: "report", directory: monorepo.directory });
    await pipeline.run("up");
    delivery = await openDeliveryHarness(harness.stateDir, pipeline);
    state = join(delivery.directory, "state.json");
    const { registryPassword, circleciToken, gitReadToken, gitWriteToken } = harness.credentials;
    const known = [registryPassword, circleciToken, gitReadToken, gitWriteToken, harness.clusterToken];
    secrets = [...known, ...Object.values(harness.credentials.secrets), ...Object.values(canaries).filter(Boolean)];
  });

  afterAll(async () => {
    await pipeline.run("destroy");
    rmSync(monorepo.directory, { recursive: true });
    rmSync(delivery.directory, { recursive: true });
  });

  test("says that nothing changes where nothing does, and changes nothing itself", async () => {
    const before = stateFiles();
    const preview = await json("--stack", "sandbox");
    expect(preview).toMatchObject({ errors: [], losses: [], services: [], others: [], unchanged: ["cart", "catalog"] });
    expect(stateFiles()).toEqual(before);
  });

  test("has a line for a service with a new image and more replicas", async () => {
    monorepo.write("svc/cart_service/www/index.html", "This is another cart.\n");
    delivery.settings({ "delivery:services": { cart: { replicas: 2 } } });
    const { services, unchanged } = await json("--stack", "sandbox");
    expect(services).toEqual([
      {
        name: "cart",
        state: "changed",
        image: { before: expect.stringMatching(/^[0-9a-f]{12}$/), after: "built by the update" },
        changes: ["replicas 1 → 2"],
      },
    ]);
    expect(unchanged).toEqual(["catalog"]);
    const { output, status } = await delivery.run(["preview", "--stack", "sandbox"]);
    expect(status).toBe(0);
    expect(output).toMatch(
      /\| <code>cart<\/code> \| <code>[0-9a-f]{12}<\/code> → <code>built by the update<\/code> \|/,
    );
    monorepo.write("svc/cart_service/www/index.html", "This is cart.\n");
  });

  test("puts what is replaced first, with the reason", async () => {
    delivery.settings({ "delivery:cluster": { adoptExisting: true, namespace: "report-elsewhere" } });
    const { losses } = await json("--stack", "sandbox");
    expect(losses).toContainEqual({
      action: "replace",
      kind: "Namespace",
      name: "report",
      area: "Cluster",
      reasons: ["metadata.name: report-sandbox → report-elsewhere"],
    });
    const { output } = await delivery.run(["preview", "--stack", "sandbox"]);
    expect(output.indexOf("**Replaced**: Namespace")).toBeLessThan(output.indexOf("| service |"));
  });

  test("puts a service that is gone among what is deleted", async () => {
    delivery.settings({});
    monorepo.remove("svc/catalog_service");
    const { losses, services } = await json("--stack", "sandbox");
    expect(losses).toContainEqual({
      action: "delete",
      kind: "Deployment",
      name: "catalog",
      area: "Services",
      reasons: [],
    });
    expect(services).toEqual([expect.objectContaining({ name: "catalog", state: "removed" })]);
    monorepo.service("catalog");
  });

  test("of a faulty stack file says what is wrong, and fails", async () => {
    delivery.settings({ "delivery:services": { cart: { replicas: "two" } } });
    const { status, output, notes } = await delivery.run(["preview", "--stack", "sandbox"]);
    expect(status).toBe(1);
    expect(output).toMatch(/The preview failed[^]*stacks\/Pulumi\.sandbox\.yaml: services\.cart\.replicas/);
    expect(output).not.toMatch(/^\s+at /m);
    expect(notes).toMatch(/error: the preview of sandbox failed/);
    delivery.settings({});
  });

  test("of a stack whose passphrase is wrong says so", async () => {
    const { status, output } = await delivery.run(["preview", "--stack", "sandbox"], {
      PULUMI_BACKEND_URL: `file://${join(pipeline.engineDirectory, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: "guessed",
    });
    expect(status).toBe(1);
    expect(output).toMatch(/the passphrase of stack sandbox is wrong; correct PULUMI_CONFIG_PASSPHRASE/);
  });

  test("without a login says what to set", async () => {
    const { status, notes } = await delivery.run(["preview", "--stack", "sandbox"], "none");
    expect(status).toBe(1);
    expect(notes).toMatch(/error: Pulumi is not logged in to any backend; set PULUMI_ACCESS_TOKEN/);
  });

  test("can be had from a published state that has no secret in it", async () => {
    const { status } = await delivery.run(["publish-state", "--env", "sandbox", "--output", state]);
    expect(status).toBe(0);
    expect(readFileSync(state, "utf8").length).toBeGreaterThan(1000);
    expectNoSecret(readFileSync(state, "utf8"));
  });

  test("without credentials finds nothing changed where nothing is", async () => {
    const preview = await json("--safe-stack", "sandbox", "--state", state);
    expect(preview).toMatchObject({ forkSafe: true, errors: [], losses: [], services: [], others: [] });
    expect(preview.limits).toContain("secrets: all of them are placeholders");
  });

  test("without credentials shows what changes, and no secret in any output or file", async () => {
    delivery.settings({ "delivery:services": { cart: { replicas: 2 } } });
    const { status, output, notes } = await safely(
      "--safe-stack",
      "sandbox",
      "--state",
      state,
      "--output",
      "report.md",
    );
    expect(status).toBe(0);
    expect(output).toContain("replicas 1 → 2");
    expect(output).toContain("Previewed without any credentials: secrets are not compared.");
    expect(readFileSync(join(delivery.directory, "report.md"), "utf8").trim()).toBe(output.trim());
    expectNoSecret(output + notes);
    expect(filesWith(delivery.directory, secrets.flatMap(formsOf))).toEqual([]);
    expect(readdirSync(delivery.temporary)).toEqual([]);
  });

  test("without credentials works where another stack owns the CircleCI project", async () => {
    delivery.settings({
      "delivery:owns": { ciProject: false },
      "delivery:ci": { ...ciSettings(), projectSlug: "circleci/delinkcious/report" },
    });
    const { errors, losses } = await json("--safe-stack", "sandbox", "--state", state);
    expect(errors).toEqual([]);
    // The project, and the contexts that belong to its owner.
    expect(losses.map(({ kind, name }) => `${kind} ${name}`).toSorted()).toEqual([
      "Context report-build",
      "Context report-read",
      "ContextEnvironmentVariable build-DOCKERHUB_PASSWORD",
      "ContextEnvironmentVariable build-DOCKERHUB_USERNAME",
      "ContextEnvironmentVariable read-DELIVERY_GIT_TOKEN",
      "ContextEnvironmentVariable read-DELIVERY_GIT_USERNAME",
      "ContextRestriction report-build",
      "ContextRestriction report-build-expression",
      "ContextRestriction report-read",
      "ContextRestriction report-read-expression",
      "Project report",
    ]);
    delivery.settings({});
  });

  test("without a state shows everything as new, and says so", async () => {
    const { services, limits, errors } = await json("--safe-stack", "sandbox");
    expect(errors).toEqual([]);
    expect(services.map(({ name, state: what }) => `${name} ${what}`)).toEqual(["cart new", "catalog new"]);
    expect(limits.join("\n")).toMatch(/what is there already: .*, so everything appears as new/);
  });

  test("without credentials says that pods restart where a secret is added, and nothing of those that stay", async () => {
    const cart = (names: readonly string[]): Record<string, unknown> => ({
      "delivery:services": { cart: { secrets: Object.fromEntries(names.map((name) => [name, "token-secret"])) } },
    });
    await pipeline.run("up", { settings: cart(["SIGNING_KEY"]) });
    delivery.settings(cart(["SIGNING_KEY"]));
    expect((await delivery.run(["publish-state", "--env", "sandbox", "--output", state])).status).toBe(0);
    expect((await json("--safe-stack", "sandbox", "--state", state)).services).toEqual([]);
    delivery.settings(cart(["SIGNING_KEY", "OTHER_KEY"]));
    expect((await json("--safe-stack", "sandbox", "--state", state)).services).toEqual([
      expect.objectContaining({ name: "cart", changes: ["pods restart with the changed secrets"] }),
    ]);
    delivery.settings({});
    await pipeline.run("up");
  });

  test("is one comment on the pull request, updated by the next, with a fork's from the published state", async () => {
    await using github = await openGitHubHarness();
    await github.push("main", { "README.md": "A shop." });
    await github.push("more-carts", { "README.md": "Two carts." });
    await github.request("POST", "/repos/acme/shop/pulls", { title: "More carts", head: "more-carts", base: "main" });
    execFileSync("git", ["init", "--quiet", monorepo.directory]);
    execFileSync("git", ["-C", monorepo.directory, "remote", "add", "origin", `${github.gitUrl}/acme/shop.git`]);
    const settings = { "delivery:github": { repository: "acme/shop", api: github.api } };
    delivery.settings(settings);
    const published = await delivery.run(["publish-state", "--env", "sandbox"], {
      ...delivery.credentials,
      DELIVERY_GIT_TOKEN: writeToken,
    });
    expect(published.output).toMatch(/without secrets, is commit [0-9a-f]{40} on branch delivery-state/);
    const bodies = async (): Promise<string[]> => {
      const { body } = await github.request("GET", "/repos/acme/shop/issues/1/comments");
      return body.map((comment) => String(comment["body"]));
    };

    const token = { DELIVERY_GITHUB_TOKEN: writeToken };
    await delivery.run(["preview", "--stack", "sandbox", "--pull-request", "1"], { ...delivery.credentials, ...token });
    expect(await bodies()).toEqual([
      expect.stringMatching(/^<!-- delivery:preview sandbox -->\n## Preview [^]*No changes/),
    ]);
    delivery.settings({ ...settings, "delivery:services": { cart: { replicas: 3 } } });
    const variables = { ...token, CIRCLE_PULL_REQUEST: "https://github.test/acme/shop/pull/1" };
    const { notes } = await delivery.run(["preview", "--safe-stack", "sandbox", "--comment"], variables);
    expect(notes).toContain("comment http://github.test/");
    const [comment = "", ...more] = await bodies();
    expect(more).toEqual([]);
    expect(comment).toContain("replicas 1 → 3");
    expect(comment).not.toContain("everything appears as new");
    expectNoSecret(comment);

    const anonymous = await delivery.run(["preview", "--safe-stack", "sandbox", "--pull-request", "1"], "none");
    expect(anonymous.status).toBe(0);
    expect(anonymous.notes).toContain("no comment: DELIVERY_GITHUB_TOKEN is not set; the report is printed only");
    delivery.settings({});
  });

  function ciSettings(): Record<string, unknown> {
    const circleci = circleCiEndpoint(harness.sandbox.endpoints);
    return { organizationId: circleci.organizationId, host: circleci.url };
  }

  function safely(...args: string[]): Promise<CliOutcome> {
    return delivery.run(["preview", ...args], canaries);
  }

  /** The one stack's preview, as machines read it. */
  async function json(...args: string[]): Promise<StackPreview> {
    const { output, notes, status } =
      args[0] === "--stack" ? await delivery.run(["preview", ...args, "--json"]) : await safely(...args, "--json");
    if (status !== 0) throw new Error(`exit status ${status}: ${notes}\n${output}`);
    expectNoSecret(output + notes);
    // The command's own output.
    const { stacks } = JSON.parse(output) as { stacks: [StackPreview] };
    return stacks[0];
  }

  function expectNoSecret(text: string): void {
    expect(secrets.flatMap(formsOf).filter((form) => text.includes(form))).toEqual([]);
  }

  /** What the engine keeps of the stack; its locks come and go. */
  function stateFiles(): Record<string, string> {
    const directory = join(pipeline.engineDirectory, "state", ".pulumi", "stacks");
    const files = readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".json"),
    );
    return Object.fromEntries(files.map((name) => [name, readFileSync(join(directory, name), "utf8")]));
  }
});
