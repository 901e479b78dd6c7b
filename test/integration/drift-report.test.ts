import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { stringify } from "yaml";
import { z } from "zod";
import { collectDrift, type DriftSources } from "../../cli/drift/collect.ts";
import { gitCheck, lastChangesIn, readDirectory } from "../../cli/drift/git-check.ts";
import { checkNames, driftText, type Check, type DriftReport } from "../../cli/drift/report.ts";
import { stackCheck } from "../../cli/drift/stack-check.ts";
import { stackStateOf } from "../../cli/drift/stack-state.ts";
import { readBranch } from "../../git/deploy-repository.ts";
import { initialRecord, recordPath } from "../../git/release-record.ts";
import { openSandboxStack, type OpenStack } from "../../sandbox/engine/sandbox-stack.ts";
import { circleCiEndpoint } from "../../sandbox/machine/endpoints.ts";
import { buildTools } from "../../sandbox/machine/tools/go-tools.ts";
import { executorEnvironment } from "../../sandbox/stand-ins/ci-executor.ts";
import { BareRepository } from "../support/bare-repository.ts";
import { eventually } from "../support/eventually.ts";
import { createMonorepo } from "../support/monorepo.ts";
import { openPipeline, type Pipeline } from "../support/pipeline.ts";
import {
  deploymentOf,
  deploymentPath,
  enterSandbox,
  isSettled,
  type SandboxHarness,
} from "../support/sandbox-harness.ts";
import {
  openManifestsStack,
  startDeployServer,
  writeToken,
  type DeployServer,
  type ManifestsStack,
} from "./support/deploy-server.ts";

const restrictionsSchema = z.object({ items: z.array(z.object({ id: z.string(), restriction_type: z.string() })) });

const app = "drift-report";
const namespace = `${app}-sandbox`;

/** What `delivery drift` finds with the real engine, API server and CircleCI's stand-in. The tests build on each other. */
describe("a drift report", () => {
  let harness: SandboxHarness;
  let pipeline: Pipeline;
  let context: string;
  let open: OpenStack;

  beforeAll(async () => {
    harness = await enterSandbox();
    const { directory } = createMonorepo(join(harness.stateDir, "monorepos", app), ["cart"]);
    pipeline = openPipeline({ ...harness, name: app, directory });
    await pipeline.run("up");
    context = (await harness.circleci.contexts(`${app}-build`))[0]?.id ?? "";
    open = await openSandboxStack({
      ...harness.sandbox,
      stateDir: harness.stateDir,
      overrides: {
        directory: pipeline.engineDirectory,
        settings: {
          "delivery:app": { name: app, directory },
          "delivery:delivery": "direct",
          "delivery:owns": { ciProject: true },
          "delivery:defaults": {},
        },
      },
      report: () => undefined,
    });
  });

  afterAll(async () => {
    await open[Symbol.asyncDispose]();
    await pipeline.run("destroy");
  });

  /** Looks everywhere, as the command does. */
  async function look(): Promise<DriftReport> {
    const { url, organizationId } = circleCiEndpoint(harness.sandbox.endpoints);
    const sources: DriftSources = {
      app,
      environment: "sandbox",
      delivery: "direct",
      namespace,
      argoCdNamespace: "argocd",
      deploy: undefined,
      ci: { host: url, token: harness.credentials.circleciToken, organizationId },
      cluster: () => harness.kubernetes,
      state: async () => stackStateOf((await open.stack.exportStack()).deployment),
      stack: () => stackCheck(open.stack),
    };
    return collectDrift(sources, checkNames);
  }

  async function edit(spec: unknown): Promise<void> {
    await harness.kubernetes.request("PATCH", deploymentPath(namespace, "cart"), {
      body: { spec },
      contentType: "application/strategic-merge-patch+json",
      query: { fieldManager: "kubectl-edit" },
    });
    await eventually("the edited cart has settled", async () => {
      const cart = await deploymentOf(harness.kubernetes, namespace, "cart");
      return isSettled(cart, cart.replicas);
    });
  }

  const findings = (report: DriftReport, name: Check["look"]) => report.looks.find(({ look: one }) => one === name);

  test("says none where nothing has changed", async () => {
    const report = await look();
    expect(report.looks).toEqual(checkNames.map((name) => ({ look: name, state: "none", reason: null, findings: [] })));
    expect(report.drift).toBe("none");
  });

  test("the command says so, too, with the Pulumi CLI, its plugins and its login as users have them", async () => {
    const directory = join(harness.stateDir, "programs", app);
    mkdirSync(join(directory, "stacks"), { recursive: true });
    copyFileSync("Pulumi.yaml", join(directory, "Pulumi.yaml"));
    const settings = join(pipeline.engineDirectory, "workspace", "Pulumi.sandbox.yaml");
    copyFileSync(settings, join(directory, "stacks", "Pulumi.sandbox.yaml"));
    const child = spawn(process.execPath, [resolve("cli/delivery.js"), "drift", "--env", "sandbox"], {
      cwd: directory,
      env: {
        ...executorEnvironment(harness.stateDir, await buildTools(["pulumi"], () => undefined)),
        HOME: directory,
        KUBECONFIG: harness.sandbox.cluster.kubeconfigPath,
        CIRCLE_TOKEN: harness.credentials.circleciToken,
        PULUMI_BACKEND_URL: `file://${join(pipeline.engineDirectory, "state")}`,
        PULUMI_CONFIG_PASSPHRASE_FILE: join(pipeline.engineDirectory, "passphrase"),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [output, errors, code] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise((done) => child.once("close", done)),
    ]);
    expect(errors).toBe("");
    expect(output.trim().split("\n")).toEqual([
      `${app} · sandbox · drift`,
      "",
      "✓ Stack     as declared",
      "✓ Git       as declared",
      "✓ Cluster   as declared",
      "✓ CircleCI  as declared",
    ]);
    expect(code).toBe(0);
  });

  test("finds an edited Deployment, an extra object, and what has become of the context, exactly these", async () => {
    await edit({ replicas: 2 });
    await harness.kubernetes.request("POST", `/api/v1/namespaces/${namespace}/configmaps`, {
      body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "by-hand" } },
    });
    const path = `/context/${context}/environment-variable`;
    const restriction = (await restrictions()).find(({ restriction_type: type }) => type === "project");
    await harness.circleci.call("DELETE", `/context/${context}/restrictions/${restriction?.id ?? ""}`);
    await harness.circleci.call("DELETE", `${path}/DOCKERHUB_USERNAME`);
    await harness.circleci.call("PUT", `${path}/FOREIGN`, { value: "hunter7-hidden" });
    // CircleCI's clock has to have moved on by more than the tolerance.
    await eventually("the password is set late enough to tell", async () => {
      await harness.circleci.call("PUT", `${path}/DOCKERHUB_PASSWORD`, { value: "hunter8-hidden" });
      const ci = findings(await look(), "ci");
      return ci?.findings.some(({ what }) => what === "variable DOCKERHUB_PASSWORD");
    });
    const report = await look();
    expect(report.drift).toBe("found");
    expect(findings(report, "stack")?.findings).toEqual(
      expect.arrayContaining([
        { what: "Deployment cart", change: expect.stringMatching(/^is other than the stack has left it: .*replicas/) },
        { what: "ContextEnvironmentVariable build-DOCKERHUB_USERNAME", change: "is gone" },
      ]),
    );
    expect(findings(report, "cluster")?.findings).toEqual([
      { what: "ConfigMap by-hand", change: "is extra: neither Git nor the stack declares it" },
      {
        what: "Deployment cart",
        change: "has spec.replicas from kubectl-edit, neither from Argo CD nor from the stack",
      },
    ]);
    expect(findings(report, "ci")?.findings.toSorted((one, other) => (one.what < other.what ? -1 : 1))).toEqual([
      {
        what: `context ${app}-build`,
        change: expect.stringMatching(/^is not restricted to project .* every project of the organization may use/),
      },
      {
        what: "variable DOCKERHUB_PASSWORD",
        change: expect.stringMatching(/^was set behind the stack's back at 20.*Z$/),
      },
      { what: "variable DOCKERHUB_USERNAME", change: `is gone from context ${app}-build` },
      { what: "variable FOREIGN", change: `is in context ${app}-build, and not of this stack` },
    ]);
    expect(findings(report, "git")).toMatchObject({ state: "none" });
    expect(JSON.stringify(report) + driftText(report)).not.toMatch(/hunter\d-hidden/);
  });

  test("finds a context that is gone, which fails a refresh", async () => {
    await harness.circleci.call("DELETE", `/context/${context}`);
    const report = await look();
    expect(findings(report, "ci")?.findings).toEqual([{ what: `context ${app}-build`, change: "is gone" }]);
    expect(findings(report, "stack")).toMatchObject({
      state: "found",
      reason: null,
      findings: expect.arrayContaining([
        { what: `Context ${app}-build`, change: expect.stringMatching(/^is gone, which fails every refresh/) },
      ]),
    });
  });

  async function restrictions() {
    return restrictionsSchema.parse(await harness.circleci.call("GET", `/context/${context}/restrictions`)).items;
  }
});

/** What is found of the files that the real engine has written through a real Git server. */
describe("a look into Git", () => {
  let server: DeployServer;
  let repository: BareRepository;
  let harness: ManifestsStack;

  beforeAll(async () => {
    vi.stubEnv("DELIVERY_GIT_TOKEN", writeToken);
    harness = await openManifestsStack();
    server = await startDeployServer(harness.directory);
    repository = new BareRepository({ existing: server.path });
    harness.declare({
      repository: server.url,
      branch: "main",
      directory: "dev",
      files: {
        "dev/link/deployment.yaml": stringify({ kind: "Deployment" }),
        "dev/link/service.yaml": "kind: Service\n",
      },
      records: { [recordPath("dev", "link")]: initialRecord("link") },
    });
    await harness.stack.up({ suppressProgress: true });
  });
  afterAll(async () => {
    await harness.stack.destroy({ suppressProgress: true });
    await server[Symbol.asyncDispose]();
    harness[Symbol.dispose]();
    vi.unstubAllEnvs();
  });

  async function look(): Promise<Check> {
    const { manifests } = stackStateOf((await harness.stack.exportStack()).deployment);
    if (manifests === undefined) throw new Error("the state has no GitManifests");
    return readBranch(
      { repository: server.url, branch: "main" },
      async (snapshot, git) =>
        gitCheck(manifests, await readDirectory(snapshot, "dev"), lastChangesIn(git, snapshot.commit)),
      "whole history",
    );
  }

  test("finds nothing where nobody has touched them", async () => {
    expect(await look()).toEqual({ look: "git", state: "none", reason: null, findings: [] });
  });

  test("finds what was edited, deleted and put there, and by whom", async () => {
    const commit = repository.commit({
      "dev/link/deployment.yaml": "kind: Deployment\nspec: {}\n",
      "dev/link/service.yaml": undefined,
      "dev/link/by-hand.yaml": "kind: ConfigMap\n",
      [recordPath("dev", "link")]: "images: [",
      "staging/link/deployment.yaml": "kind: Deployment\n",
    });
    const by = expect.stringMatching(new RegExp(` in ${commit.slice(0, 7)}\\w* by Someone$`));
    const { findings } = await look();
    expect(findings.map(({ change }) => change)).toEqual([by, by, by, by]);
    expect(findings.map(({ what, change }) => `${what} ${change.replace(/ in \w+ by.*$/s, "")}`)).toEqual([
      "dev/link/deployment.yaml was edited",
      "dev/link/service.yaml was deleted",
      "dev/link/by-hand.yaml is not of this stack",
      expect.stringMatching(/^dev\/link\/release\/kustomization\.yaml is faulty: is not YAML/),
    ]);
  });

  test("the engine finds the files, too", async () => {
    const { findings } = await stackCheck(harness.stack);
    expect(findings).toContainEqual({
      what: "GitManifests dev",
      change: expect.stringMatching(/^is other than the stack has left it/),
    });
  });
});
