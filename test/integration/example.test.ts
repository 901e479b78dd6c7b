import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { summarize } from "../../sandbox/commands/up.ts";
import { circleCiEndpoint, sandboxSettings } from "../../sandbox/machine/endpoints.ts";
import { eventually } from "../support/eventually.ts";
import { openPipeline, type Outcome, type Pipeline } from "../support/pipeline.ts";
import { deploymentOf, enterSandbox, namesOf, type SandboxHarness } from "../support/sandbox-harness.ts";
import { filesWith, formsOf, watchArguments } from "../support/secret-watch.ts";
import { requestedPorts } from "./support/requested-ports.ts";

const services = ["api-gateway", "link", "news", "social-graph", "user"];
const namespace = "example-sandbox";
const deployedSchema = z.record(z.string(), z.object({ image: z.string(), address: z.string() }));

const probed = { settings: { "delivery:defaults": { probes: { liveness: "/healthz", readiness: "/readyz" } } } };

/** The example app, a copy of it, from nothing to nothing. Its tests build on each other. */
describe("the example app", () => {
  let harness: SandboxHarness;
  let pipeline: Pipeline;
  let first: Outcome;
  let secrets: string[];
  let leaks: { arguments: ReadonlySet<string>; looks: number };

  beforeAll(async () => {
    harness = await enterSandbox();
    const directory = join(harness.stateDir, "monorepos", "example");
    cpSync("examples/delinkcious", directory, { recursive: true });
    pipeline = openPipeline({ ...harness, name: "example", directory });
    const { registryPassword, circleciToken, secrets: own } = harness.credentials;
    secrets = [registryPassword, circleciToken, harness.clusterToken, ...Object.values(own)].flatMap(formsOf);
    using watch = watchArguments(secrets);
    await enterSandbox();
    first = await pipeline.run("up", probed);
    leaks = { arguments: watch.leaks, looks: watch.looks };
  });

  test("up creates everything from nothing", () => {
    const kinds = Map.groupBy(first.changes, (change) => change.split(" ").slice(0, 2).join(" "));
    expect(Object.fromEntries([...kinds].map(([kind, changes]) => [kind, changes.length]))).toEqual({
      "create CiProject": 1,
      "create Cluster": 1,
      "create ConfigMap": 5,
      "create Context": 4,
      "create ContextEnvironmentVariable": 4,
      "create ContextRestriction": 8,
      "create Deployment": 5,
      "create Image": 5,
      "create Namespace": 1,
      "create NetworkPolicy": 5,
      "create PodDisruptionBudget": 5,
      "create Project": 1,
      "create Secret": 2,
      "create SecretGenerations": 1,
      "create Service": 5,
      "create ServiceAccount": 5,
      "create ServiceImage": 1,
      "create Stack": 1,
      "create Workload": 1,
      "create circleci": 1,
      "create docker": 1,
      "create kubernetes": 1,
      "create pulumi-nodejs": 1,
    });
  });

  test("ports that were taken are left to their owners", () => {
    const { registryHost } = harness.sandbox.endpoints;
    const [registryPort = 0, circleciPort = 0] = requestedPorts();
    expect(Number(registryHost.split(":")[1])).not.toBe(registryPort);
    expect(Number(new URL(circleCiEndpoint(harness.sandbox.endpoints).url).port)).not.toBe(circleciPort);
  });

  test("the registry has each image by its digest", async () => {
    const deployed = deployedSchema.parse(first.outputs["deployed"]?.value);
    expect(Object.keys(deployed)).toEqual(services);
    const { username } = sandboxSettings().images;
    const login = Buffer.from(`${username}:${harness.credentials.registryPassword}`).toString("base64");
    const authorization = `Basic ${login}`;
    for (const [name, { image }] of Object.entries(deployed)) {
      const [, repository = "", digest = ""] = /^localhost:\d+\/([^@]+)@(sha256:[0-9a-f]{64})$/.exec(image) ?? [];
      expect(repository).toBe(`delinkcious/example-${name}`);
      const response = await fetch(
        `http://${harness.sandbox.endpoints.registryHost}/v2/${repository}/manifests/${digest}`,
        {
          headers: {
            authorization,
            accept:
              "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json",
          },
        },
      );
      expect([response.status, response.headers.get("docker-content-digest")]).toEqual([200, digest]);
    }
  });

  test("CircleCI has the project, and the context with its variables for this project alone", async () => {
    const [project, ...otherProjects] = harness.circleci.projects("example");
    const [context, ...otherContexts] = await harness.circleci.contexts("example-build");
    expect([...otherProjects, ...otherContexts]).toEqual([]);
    expect(await harness.circleci.variables(context?.id ?? "")).toEqual(["DOCKERHUB_PASSWORD", "DOCKERHUB_USERNAME"]);
    expect(await harness.circleci.restrictions(context?.id ?? "")).toContainEqual(
      expect.objectContaining({ restriction_type: "project", restriction_value: project?.id }),
    );
  });

  test("every Deployment is available with the released image", async () => {
    const deployed = deployedSchema.parse(first.outputs["deployed"]?.value);
    expect(await namesOf(harness.kubernetes, "apps/v1/deployments", namespace)).toEqual(services);
    for (const name of services) {
      expect(await deploymentOf(harness.kubernetes, namespace, name)).toMatchObject({
        replicas: 1,
        available: 1,
        image: deployed[name]?.image,
      });
    }
  });

  test("the gateway answers, or the summary says that pods are simulated", async () => {
    const lines: string[] = [];
    const log = vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
    await eventually("the summary shows the gateway", () => summarize(first.outputs, harness.sandbox).then(() => true));
    log.mockRestore();
    const { pods } = harness.sandbox.cluster;
    expect(lines.join("\n")).toMatch(
      pods === "real" ? /GET http:\S+ → 200\n.*"service":"api-gateway"/s : /Pods are SIMULATED: \S+/,
    );
  });

  test("a second up and a preview change nothing", async () => {
    expect((await pipeline.run("up", probed)).changes).toEqual([]);
    expect((await pipeline.run("preview", probed)).changes).toEqual([]);
    expect((await pipeline.run("refresh", probed)).changes).toEqual([]);
  });

  test("no secret shows in arguments, logs, output, settings or state", () => {
    expect(leaks.looks).toBeGreaterThan(20);
    expect([...leaks.arguments]).toEqual([]);
    expect(secrets.filter((secret) => first.output.includes(secret))).toEqual([]);
    expect(filesWith(join(harness.stateDir, "logs"), secrets)).toEqual([]);
    expect(filesWith(pipeline.engineDirectory, secrets)).toEqual([]);
  });

  test("a change of one service's source changes its image and its Deployment", async () => {
    const main = join(harness.stateDir, "monorepos", "example", "svc", "link_service", "main.go");
    const before = await deploymentOf(harness.kubernetes, namespace, "link");
    writeFileSync(main, readFileSync(main, "utf8").replace('version = "1.0.0"', 'version = "1.0.1"'));
    const { changes } = await pipeline.run("up", probed);
    expect(changes).toEqual(["update Deployment link", "update Image link"]);
    expect((await deploymentOf(harness.kubernetes, namespace, "link")).image).not.toBe(before.image);
  });

  test("destroy leaves nothing but the images", async () => {
    const { changes } = await pipeline.run("destroy", probed);
    expect(changes).toHaveLength(first.changes.length);
    await expect(harness.kubernetes.request("GET", `/api/v1/namespaces/${namespace}`)).rejects.toThrow("not found");
    expect(harness.circleci.projects("example")).toEqual([]);
    expect(await harness.circleci.contexts("example-build")).toEqual([]);
    expect((await pipeline.run("preview", probed)).changes).toEqual(first.changes);
  });
});
