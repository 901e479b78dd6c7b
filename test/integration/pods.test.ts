import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readWorkloads } from "../../cli/status/cluster-status.ts";
import { createMonorepo, type Monorepo } from "../support/monorepo.ts";
import { openPipeline, type Outcome, type Pipeline, type Variation } from "../support/pipeline.ts";
import { logOf, podImage, podsOf } from "../support/pod-program.ts";
import { fileSecret, mountedFile, podSettings, writePodServices } from "../support/pod-services.ts";
import { enterSandbox, type SandboxHarness } from "../support/sandbox-harness.ts";
import { eventually } from "../support/eventually.ts";

const namespace = "pods-sandbox";

/** What pods are from within, as the services say. The tests build on each other. */
describe("pods", () => {
  let harness: SandboxHarness;
  let monorepo: Monorepo;
  let pipeline: Pipeline;
  let first: Outcome;
  let variation: Variation;

  beforeAll(async () => {
    harness = await enterSandbox();
    monorepo = createMonorepo(join(harness.stateDir, "monorepos", "pods"), []);
    writePodServices(monorepo);
    pipeline = openPipeline({ ...harness, name: "pods", directory: monorepo.directory });
    const hungry = { ...podImage, kind: "worker", env: { EAT: "200" } };
    variation = { settings: { "delivery:services": { ...podSettings, hungry } } };
    first = await pipeline.run("up", variation);
  });

  afterAll(async () => {
    await pipeline.run("destroy", variation);
  });

  const log = (service: string): ReturnType<typeof logOf> => logOf(harness.kubernetes, namespace, service);
  const started = (service: string) =>
    eventually(`${service} says what it found`, async () =>
      (await log(service)).find((entry) => entry["started"] !== undefined),
    );

  test("are as declared, and another up changes nothing", async () => {
    expect(first.changes).toEqual(
      expect.arrayContaining(["create ConfigMap commanded.files", "create Secret commanded.files"]),
    );
    expect(first.output).toContain(
      "enforces Pod Security `baseline` instead of `restricted`, for the capabilities of capable (SETUID)",
    );
    expect((await pipeline.run("up", variation)).changes).toEqual([]);
    expect((await pipeline.run("refresh", variation)).changes).toEqual([]);
  });

  test("listen at every port, also one number over TCP and UDP and below 1024, and are found by name", async () => {
    const { asked } = await started("caller");
    expect(asked).toEqual({ "http://all:80": "ok", "http://all:53": "ok", "udp://all:53": "echo hello" });
  });

  test("are ready when gRPC's health says so, of the service that is asked for", async () => {
    expect(await log("all")).toContainEqual(expect.objectContaining({ health: "pod.v1.All" }));
    const [pod] = await podsOf(harness.kubernetes, namespace, "slow");
    expect(pod).toMatchObject({ restarts: 0, ready: true });
    expect(Number(pod?.readyAfter)).toBeGreaterThanOrEqual(8);
  });

  test("run what is said, with files beside those of the image, and write where they may", async () => {
    const found = await started("commanded");
    expect(found).toMatchObject({
      started: ["serve", "--greeting=hello you", "debug"],
      user: 65_532,
      files: {
        "/etc/app/app.yaml": "level: info\nlist: [yes, 0o7]\n",
        "/etc/app/logo.bin": "\r\n\u0000",
        "/etc/app/key.pem": harness.credentials.secrets[fileSecret],
        "/etc/app/neighbour": "module example.com/pod\n\ngo 1.26\n",
      },
      written: { "/var/cache/a": "ok", "/tmp/a": "ok", "/etc/a": "open /etc/a: read-only file system" },
    });
    expect(await podsOf(harness.kubernetes, namespace, "commanded")).toMatchObject([{ ready: true, restarts: 0 }]);
  });

  test("have no right of root but those that are said, where a program of the image takes them on", async () => {
    // Source: https://man7.org/linux/man-pages/man7/capabilities.7.html, whose numbers are in linux/capability.h
    const setuid = (1 << 7).toString(16).padStart(16, "0");
    expect(await started("capable")).toMatchObject({ rights: setuid });
    expect(await started("incapable")).toMatchObject({ rights: "0".repeat(16), user: 65_532 });
  });

  test("that need more memory than they may have are told by the status, with what to do", async () => {
    const location = { app: "pods", environment: "sandbox", namespace, argoCdNamespace: "argocd" };
    const hint =
      /^a pod was killed at its memory limit of 128Mi \(OOMKilled\).*; raise resources\.limits\.memory of the service$/;
    await eventually("the status has a hint", async () => {
      const found = await readWorkloads(harness.kubernetes, location, AbortSignal.timeout(10_000));
      const hints = found.flatMap(({ service, memoryHint }) =>
        memoryHint === undefined ? [] : [[service, memoryHint]],
      );
      return hints.length === 1 && hints[0]?.[0] === "hungry" && hint.test(hints[0][1] ?? "");
    });
  });

  test("are made anew when the content of a file of the monorepo changes", async () => {
    monorepo.write(mountedFile, "\u0000");
    const { changes } = await pipeline.run("up", variation);
    // Where the refresh before has found it down for its memory, this up waits for it once more.
    const own = changes.filter((change) => change !== "update Deployment hungry");
    expect(own).toEqual(["update ConfigMap commanded.files", "update Deployment commanded"]);
    await eventually("the new pod has the new file", async () => {
      const found = (await log("commanded")).find((entry) => entry["started"] !== undefined) as
        | { files?: Record<string, string> }
        | undefined;
      return found?.files?.["/etc/app/logo.bin"] === "\u0000";
    });
  });

  test.each([
    ["paused", ["SIGTERM", "ended"], 3, 20],
    // Its program does not end by itself.
    ["lingering", ["preStop", "SIGTERM"], 3, 20],
  ])("%s: a pod that is to end says %j, and is gone after %d to %d seconds", async (service, words, least, most) => {
    await started(service);
    const [pod] = await podsOf(harness.kubernetes, namespace, service);
    const before = Date.now();
    await harness.kubernetes.request("DELETE", `/api/v1/namespaces/${namespace}/pods/${pod?.name}`);
    await eventually(`${pod?.name} is gone`, async () =>
      (await podsOf(harness.kubernetes, namespace, service)).every(({ name }) => name !== pod?.name),
    );
    const seconds = (Date.now() - before) / 1000;
    expect(seconds).toBeGreaterThanOrEqual(least);
    expect(seconds).toBeLessThan(most);
    const said = (await log("all")).filter(({ said: word, at }) => word !== undefined && Number(at) >= before);
    expect(said.map(({ said: word }) => word)).toEqual(words);
  });
});
