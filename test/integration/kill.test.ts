import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { globSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { eventually } from "../support/eventually.ts";
import { createMonorepo, webServer, type Monorepo } from "../support/monorepo.ts";
import { openPipeline, type Pipeline, type Variation } from "../support/pipeline.ts";
import {
  deploymentOf,
  deploymentPath,
  enterSandbox,
  namesOf,
  type SandboxHarness,
} from "../support/sandbox-harness.ts";
import { filesWith, formsOf } from "../support/secret-watch.ts";
import { startHoldingProxy, type HoldingProxy } from "./support/holding-proxy.ts";
import { circleCiEndpoint } from "../../sandbox/machine/endpoints.ts";

const namespace = "kill-sandbox";

const operationSchema = z.object({ type: z.string(), resource: z.object({ type: z.string() }) });
const stateSchema = z.object({
  checkpoint: z.object({ latest: z.object({ pending_operations: z.array(operationSchema).default([]) }) }),
});

/** An up that is killed at ever later moments; each goes on where the one before was killed. */
describe("a killed up", () => {
  let harness: SandboxHarness;
  let monorepo: Monorepo;
  let pipeline: Pipeline;
  let proxy: HoldingProxy;
  let throughProxy: Variation;

  beforeAll(async () => {
    harness = await enterSandbox();
    monorepo = createMonorepo(join(harness.stateDir, "monorepos", "kill"), ["cart", "catalog"]);
    pipeline = openPipeline({ ...harness, name: "kill", directory: monorepo.directory });
    const circleci = circleCiEndpoint(harness.sandbox.endpoints);
    proxy = await startHoldingProxy(circleci.url);
    throughProxy = { endpoints: { circleci: { ...circleci, url: `http://localhost:${proxy.port}/api/v2` } } };
  });

  afterAll(async () => {
    await pipeline.run("destroy", throughProxy);
    await proxy[Symbol.asyncDispose]();
  });

  test("leaves pending operations when CircleCI has made project and context, but nobody was told", async () => {
    const made = Promise.all([proxy.hold(/^POST \S+\/context$/), proxy.hold(/^POST \S+\/project$/)]);
    await killWhen("project and context are made", () => made, "all of it");
    expect(pendingCreates()).toEqual(expect.arrayContaining(["Context", "Project"]));
  });

  test("leaves them also when only the provider's process is killed, since the engine dies with it", async () => {
    await killWhen("the context is restricted", () => proxy.hold(/^POST \S+\/restrictions$/), "the program alone");
    expect(pendingCreates()).toContain("ContextRestriction");
  });

  test("ends the build of an image half-way", async () => {
    // BuildKit remembers steps beyond the life of a sandbox: one that has never been run before really runs.
    monorepo.service("catalog", `${webServer("catalog")}RUN : ${randomUUID()} && sleep 12.75\n`);
    await killWhen(
      "the build sleeps",
      () =>
        eventually(
          "a step of the build runs",
          async () => listMachineProcesses().some((process) => process.arguments.join(" ").startsWith("sleep 12.75")),
          { seconds: 120 },
        ),
      "all of it",
    );
    expect(pendingCreates()).toContain("Image");
  });

  test("leaves no password outside of the sandbox's directory", () => {
    const forms = formsOf(harness.credentials.registryPassword);
    expect(
      globSync(join(tmpdir(), "delivery-{build,registry}-*")).flatMap((folder) => filesWith(folder, forms)),
    ).toEqual([]);
  });

  test("ends the creation of a Deployment half-way", async () => {
    monorepo.service("cart", webServer("cart", "sleep 4; exec httpd -f -p 8080 -h /www"));
    const look = (): Promise<unknown> => harness.kubernetes.request("GET", deploymentPath(namespace, "cart"));
    await killWhen(
      "the Deployment is there",
      () => eventually("Deployment cart exists", look, { seconds: 120 }),
      "all of it",
    );
    expect(pendingCreates()).toContain("Deployment");
  });

  test("is finished by the next one, without anything twice", async () => {
    const { uid } = await deploymentOf(harness.kubernetes, namespace, "cart");
    await pipeline.run("up", throughProxy);
    expect(pendingCreates()).toEqual([]);
    expect(harness.circleci.projects("kill")).toHaveLength(1);
    const [context, ...others] = await harness.circleci.contexts("kill-build");
    expect(others).toEqual([]);
    expect(await harness.circleci.variables(context?.id ?? "")).toEqual(["DOCKERHUB_PASSWORD", "DOCKERHUB_USERNAME"]);
    const restrictions = await harness.circleci.restrictions(context?.id ?? "");
    expect(restrictions.filter(({ restriction_type: type }) => type === "project")).toHaveLength(1);
    expect(await namesOf(harness.kubernetes, "apps/v1/deployments", namespace)).toEqual(["cart", "catalog"]);
    expect(await deploymentOf(harness.kubernetes, namespace, "cart")).toMatchObject({ uid, available: 1 });
  });

  test("leaves no lock and no difference behind", async () => {
    expect((await pipeline.run("up", throughProxy)).changes).toEqual([]);
    expect((await pipeline.run("refresh", throughProxy)).changes).toEqual([]);
    expect(globSync(join(pipeline.engineDirectory, "state", ".pulumi", "locks", "**", "*.json"))).toEqual([]);
  });

  /** Starts an up in a process of its own, and kills it at a moment with SIGKILL. */
  async function killWhen(
    moment: string,
    comes: () => Promise<unknown>,
    what: "all of it" | "the program alone",
  ): Promise<void> {
    const driver = join(import.meta.dirname, "support", "up-process.ts");
    const url = throughProxy.endpoints?.circleci?.url ?? "";
    const coming = comes();
    const child = spawn(process.execPath, [driver, harness.stateDir, pipeline.name, monorepo.directory, url], {
      detached: true,
      stdio: ["ignore", "ignore", "pipe"],
    });
    const ended = once(child, "exit");
    const said: Buffer[] = [];
    child.stderr.on("data", (chunk: Buffer) => void said.push(chunk));
    const early = ended.then(() => {
      throw new Error(`up ended before ${moment}: ${Buffer.concat(said).toString()}`);
    });
    await Promise.race([coming, early]);
    process.kill(what === "all of it" ? -pidOf(child) : pidOf(child), "SIGKILL");
    early.catch(() => undefined);
    await ended;
    const home = `PULUMI_HOME=${join(pipeline.engineDirectory, "home")}`;
    await eventually(
      "the engine has died, too",
      async () => !listMachineProcesses().some(({ environment }) => environment.includes(home)),
    );
  }

  /** The types of the resources that the state says are being created. */
  function pendingCreates(): string[] {
    const [file = ""] = globSync(join(pipeline.engineDirectory, "state", ".pulumi", "stacks", "*", "sandbox.json"));
    const { pending_operations: pending } = stateSchema.parse(JSON.parse(readFileSync(file, "utf8"))).checkpoint.latest;
    return pending
      .filter(({ type }) => type === "creating")
      .map(({ resource }) => resource.type.split(":").at(-1) ?? "");
  }
});

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error("the process did not start");
  return pid;
}

/** A process of this machine, as /proc shows it. */
interface ListedProcess {
  arguments: string[];
  /** As `NAME=value`; empty where it belongs to another user. */
  environment: string[];
}

/** All processes but this one. */
function listMachineProcesses(): ListedProcess[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.map((pid) => ({
    arguments: zeroTerminated(`/proc/${pid}/cmdline`),
    environment: zeroTerminated(`/proc/${pid}/environ`),
  }));
}

function zeroTerminated(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\0");
  } catch {
    // It has ended since it was listed, or belongs to another user.
    return [];
  }
}
