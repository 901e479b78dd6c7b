import { chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readWorkloads } from "../../cli/status/cluster-status.ts";
import { listAt, numberAt, stringAt } from "../../kubernetes/object.ts";
import { createMonorepo, webServer, type Monorepo } from "../support/monorepo.ts";
import { openPipeline, type Pipeline } from "../support/pipeline.ts";
import { enterSandbox, namesOf, type SandboxHarness } from "../support/sandbox-harness.ts";

const app = "kinds";
const namespace = `${app}-sandbox`;

/** Jobs, crons and volumes that the program applies itself. The tests build on each other. */
describe("kinds and volumes with delivery direct", () => {
  let harness: SandboxHarness;
  let monorepo: Monorepo;
  let pipeline: Pipeline;
  let data: string;
  const report = { kind: "job", backoffLimit: 0, activeDeadlineSeconds: 60 };
  const store = { volumes: { data: { path: "/data", size: "10Mi", storageClass: "by-hand" } } };
  const declared = {
    report,
    tick: { kind: "cron", schedule: "0 0 1 1 *" },
    store,
  };
  const settings = (services: Readonly<Record<string, object>> = declared) => ({
    settings: { "delivery:services": services },
  });

  beforeAll(async () => {
    harness = await enterSandbox();
    monorepo = createMonorepo(join(harness.stateDir, "monorepos", app), []);
    const run = '[ -z "$BROKEN" ] || { echo "no such table: links"; exit 3; }; echo counted';
    monorepo.service("report", webServer("report", run));
    monorepo.service("tick", webServer("tick", run));
    monorepo.service("store", webServer("store", "date >> /data/starts && exec httpd -f -p 8080 -h /www"));
    pipeline = openPipeline({ ...harness, name: app, directory: monorepo.directory });
    data = join(harness.stateDir, "volumes", app);
    mkdirSync(data, { recursive: true });
    chmodSync(data, 0o777);
    // The sandbox has no provisioner of volumes.
    await harness.kubernetes.request("POST", "/api/v1/persistentvolumes", {
      body: {
        apiVersion: "v1",
        kind: "PersistentVolume",
        metadata: { name: `${app}-store` },
        spec: {
          capacity: { storage: "10Mi" },
          accessModes: ["ReadWriteOnce"],
          storageClassName: "by-hand",
          hostPath: { path: data },
        },
      },
    });
  });

  afterAll(async () => {
    await pipeline.run("destroy", settings());
    await harness.kubernetes.request("DELETE", `/api/v1/persistentvolumes/${app}-store`);
  });

  test("the first up ends when the job has succeeded; nothing runs it again", async () => {
    await pipeline.run("up", settings());
    const first = await jobOf("report");
    expect(first.succeeded).toBe(1);
    expect((await pipeline.run("up", settings())).changes).toEqual([]);
    await pipeline.run("up", settings({ ...declared, report: { ...report, activeDeadlineSeconds: 90 } }));
    expect(await jobOf("report")).toEqual(first);
  });

  test("another image replaces the Job, which runs again", async () => {
    const before = await jobOf("report");
    monorepo.write("svc/report_service/www/index.html", "Another one.\n");
    await pipeline.run("up", settings());
    const after = await jobOf("report");
    expect(after).toMatchObject({ succeeded: 1 });
    expect(after.uid).not.toBe(before.uid);
    expect(after.image).not.toBe(before.image);
  });

  test("one that fails fails the update, with the end of its log, and the next update tries again", async () => {
    const broken = settings({ ...declared, report: { ...report, env: { BROKEN: "1" } } });
    const { error, output } = await pipeline.fail("up", broken);
    expect(error + output).toContain("no such table: links");
    const failed = await jobOf("report");
    await pipeline.fail("up", broken);
    expect((await jobOf("report")).uid).not.toBe(failed.uid);
    const location = { app, environment: "sandbox", namespace, argoCdNamespace: "argocd" };
    const workloads = await readWorkloads(harness.kubernetes, location, AbortSignal.timeout(10_000));
    expect(workloads.find(({ service }) => service === "report")).toMatchObject({
      health: "Degraded",
      message: expect.stringMatching(/no such table: links$/),
    });
    await pipeline.run("up", settings());
    expect((await jobOf("report")).succeeded).toBe(1);
  });

  test("a volume is written by the service, and its data is there for the next pod", async () => {
    const starts = (): number => readFileSync(join(data, "starts"), "utf8").trim().split("\n").length;
    const before = starts();
    expect(before).toBeGreaterThan(0);
    await pipeline.run("up", settings({ ...declared, store: { ...store, env: { LOG: "debug" } } }));
    expect(starts()).toBe(before + 1);
  });

  test("a service that is removed leaves its claim, and the data", async () => {
    monorepo.remove("svc/store_service");
    const { store: _, ...rest } = declared;
    await pipeline.run("up", settings(rest));
    expect(await namesOf(harness.kubernetes, "apps/v1/deployments", namespace)).not.toContain("store");
    expect(await namesOf(harness.kubernetes, "v1/persistentvolumeclaims", namespace)).toEqual(["store-data"]);
    expect(existsSync(join(data, "starts"))).toBe(true);
  });

  async function jobOf(name: string) {
    const job = await harness.kubernetes.request("GET", `/apis/batch/v1/namespaces/${namespace}/jobs/${name}`);
    const [container = {}] = listAt(job, "spec", "template", "spec", "containers");
    return {
      uid: stringAt(job, "metadata", "uid"),
      image: stringAt(container, "image"),
      succeeded: numberAt(job, "status", "succeeded") ?? 0,
    };
  }
});
