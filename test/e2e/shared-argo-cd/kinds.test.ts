import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readWorkloads } from "../../../cli/status/cluster-status.ts";
import { parseRecord, recordPath } from "../../../git/release-record.ts";
import { listAt, numberAt, stringAt, type KubernetesObject } from "../../../kubernetes/object.ts";
import { webServer } from "../../support/monorepo.ts";
import { eventually } from "../../support/eventually.ts";
import { makeHostVolumes, type HostVolumes } from "../../support/host-volumes.ts";
import { pushBuild } from "../../support/image-push.ts";
import { podsByName, type NamedPod } from "../../support/pods-by-name.ts";
import { namesOf } from "../../support/sandbox-harness.ts";
import { applicationOf, isHealthy } from "../support/application-state.ts";
import { delivery } from "../support/delivery-command.ts";
import { openEnvironment, type Environment } from "../support/environment.ts";
import { enterGitOps } from "../support/enter-gitops.ts";
import type { GitOpsHarness } from "../support/gitops-harness.ts";

/** Real Argo CD with what does not run all the time: jobs, crons, and data that stays. The tests build on each other. */
describe("kinds and volumes with gitops", () => {
  let harness: GitOpsHarness;
  let shop: Environment;
  let volumes: HostVolumes;
  const report = { kind: "job", backoffLimit: 0, activeDeadlineSeconds: 120 };
  const data = { path: "/data", size: "10Mi", storageClass: "kinds", perPod: true };
  const queue = { replicas: 2, volumes: { data } };
  const services = {
    report,
    tick: { kind: "cron", schedule: "0 0 1 1 *", concurrency: "Forbid", backoffLimit: 0 },
    queue,
  };

  beforeAll(async () => {
    harness = await enterGitOps();
    shop = openEnvironment(harness, { name: "kinds", services: [], settings: { services } });
    const command = '[ -z "$BROKEN" ] || { echo "no such table: links"; exit 3; }; echo counted';
    shop.monorepo.service("report", webServer("report", command));
    shop.monorepo.service("tick", webServer("tick", command));
    const note = 'echo "$HOSTNAME $VERSION" >> /data/starts; exec httpd -f -p 8080 -h /www';
    shop.monorepo.service("queue", webServer("queue", note));
    const directory = join(harness.stateDir, "volumes");
    volumes = await makeHostVolumes(harness.kubernetes, { name: "kinds", directory, count: 2 });
  });

  afterAll(async () => {
    await shop.run("destroy");
    // It has kept the data.
    await harness.kubernetes.request("DELETE", `/api/v1/namespaces/${shop.namespace}`);
    await volumes[Symbol.asyncDispose]();
  });

  test("a job has run when the first up ends, and a cron waits for its time: both are Synced and Healthy", async () => {
    await shop.run("up");
    expect(await jobOf("report")).toMatchObject({ succeeded: 1, image: releasedImage("report") });
    await expectWell("report", "tick");
    expect((await read("cronjobs", "tick"))["spec"]).toMatchObject({
      schedule: "0 0 1 1 *",
      concurrencyPolicy: "Forbid",
      jobTemplate: { spec: { template: { spec: { containers: [{ image: releasedImage("tick") }] } } } },
    });
  });

  test("neither another up, nor a refresh, nor a change beside its pods runs it again", async () => {
    const { uid } = await jobOf("report");
    expect((await shop.run("up")).changes).toEqual([]);
    await refresh("report");
    await shop.run("up", { services: { ...services, report: { ...report, activeDeadlineSeconds: 240 } } });
    await eventually("the new deadline is there", async () => (await jobOf("report")).deadline === 240);
    await shop.run("up", {
      services: { ...services, report: { ...report, egress: [{ cidr: "10.0.0.0/8", port: 443 }] } },
    });
    await expectWell("report");
    expect((await jobOf("report")).uid).toBe(uid);
  });

  test("a release runs it once more, with the new image", async () => {
    const { uid } = await jobOf("report");
    const digest = await pushBuild(harness.stateDir, shop.imagesOf("report"), releasedImage("report"), "0.1.1");
    await delivery(harness, shop, "release", "--service", `report=${digest}`);
    const after = await eventually("a Job of the new image has succeeded", async () => {
      const job = await jobOf("report");
      return job.image.endsWith(digest) && job.succeeded === 1 && job;
    });
    expect(after.uid).not.toBe(uid);
    await expectWell("report");
    expect((await jobOf("report")).uid).toBe(after.uid);
  });

  test("deleted by hand, it is made, and runs, again", async () => {
    const { uid } = await jobOf("report");
    await harness.kubernetes.request("DELETE", path("jobs", "report"), { body: { propagationPolicy: "Background" } });
    await eventually("there is another Job, and it has succeeded", async () => {
      const job = await jobOf("report");
      return job.uid !== uid && job.succeeded === 1;
    });
    await expectWell("report");
  });

  test("one that fails is Degraded, the status says the end of its log, and the fix runs", async () => {
    await shop.run("up", { services: { ...services, report: { ...report, env: { BROKEN: "1" } } } });
    const application = shop.applicationName("report");
    await eventually("Argo CD calls it Degraded", async () => {
      const { sync, health } = await applicationOf(harness.kubernetes, application);
      return sync === "Synced" && health === "Degraded";
    });
    const location = { app: shop.app, environment: shop.name, namespace: shop.namespace, argoCdNamespace: "argocd" };
    const workloads = await readWorkloads(harness.kubernetes, location, AbortSignal.timeout(10_000));
    expect(workloads.find(({ service }) => service === "report")).toMatchObject({
      state: "failed",
      health: "Degraded",
      message: expect.stringMatching(/backoff limit; exit code 3: no such table: links$/),
    });
    await shop.run("up");
    await eventually("a Job has succeeded", async () => (await jobOf("report")).succeeded === 1);
    await expectWell("report");
  });

  test("a cron that is fired by hand runs its image", async () => {
    const cron = await read("cronjobs", "tick");
    const template = Object(cron["spec"]).jobTemplate;
    const body = {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { ...template.metadata, name: "by-hand" },
      spec: template.spec,
    };
    await harness.kubernetes.request("POST", path("jobs"), { body });
    await eventually("the run has succeeded", async () => (await jobOf("by-hand")).succeeded === 1);
    expect((await jobOf("by-hand")).image).toBe(releasedImage("tick"));
  });

  test("pods with volumes of their own are released one by one, the last one first, and find their data", async () => {
    const before = await pods();
    expect(Object.keys(before)).toEqual(["queue-0", "queue-1"]);
    expect(await claims()).toEqual(["data-queue-0", "data-queue-1"]);
    const from = releasedImage("queue");
    const digest = await pushBuild(harness.stateDir, shop.imagesOf("queue"), from, "0.1.1", { VERSION: "2" });
    await delivery(harness, shop, "release", "--service", `queue=${digest}`);
    const [first, last] = await eventually(
      "both pods are new, and ready",
      async () => {
        const both = Object.values(await pods());
        return both.length === 2 && both.every(({ image, ready }) => image.endsWith(digest) && ready) && both;
      },
      { seconds: 60 },
    );
    if (first === undefined || last?.readySince === undefined) throw new Error("a pod says nothing of itself");
    expect(first.createdAt >= last.readySince).toBe(true);
    expect(startsOf("queue-0")).toEqual(["queue-0 ", "queue-0 2"]);
    expect(startsOf("queue-1")).toEqual(["queue-1 ", "queue-1 2"]);
    await expectWell("queue");
  });

  test("one of them that is lost comes back with its data", async () => {
    const { uid } = (await pods())["queue-0"] ?? {};
    await harness.kubernetes.request("DELETE", `/api/v1/namespaces/${shop.namespace}/pods/queue-0`);
    await eventually("there is another pod, and it is ready", async () => {
      const now = (await pods())["queue-0"];
      return now?.uid !== uid && now?.ready === true;
    });
    expect(startsOf("queue-0")).toEqual(["queue-0 ", "queue-0 2", "queue-0 2"]);
  });

  const pods = (): Promise<Record<string, NamedPod>> => podsByName(harness.kubernetes, shop.namespace, "queue");
  const claims = (): Promise<string[]> => namesOf(harness.kubernetes, "v1/persistentvolumeclaims", shop.namespace);

  /** What a pod of the queue has noted in its volume. */
  function startsOf(pod: string): string[] {
    const notes = volumes.folders.flatMap((folder) => {
      const file = join(folder, "starts");
      return existsSync(file) ? [readFileSync(file, "utf8").replace(/\n$/, "").split("\n")] : [];
    });
    return notes.filter(([first]) => first?.startsWith(`${pod} `)).flat();
  }

  async function refresh(service: string): Promise<void> {
    const application = `/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/${shop.applicationName(service)}`;
    const asked = { metadata: { annotations: { "argocd.argoproj.io/refresh": "hard" } } };
    await harness.kubernetes.request("PATCH", application, {
      body: asked,
      contentType: "application/merge-patch+json",
    });
    await eventually("Argo CD has compared again", async () => {
      const { metadata } = Object(await harness.kubernetes.request("GET", application));
      return metadata.annotations?.["argocd.argoproj.io/refresh"] === undefined;
    });
  }

  async function expectWell(...names: string[]): Promise<void> {
    for (const service of names)
      await eventually(`${service} is Synced and Healthy`, async () =>
        isHealthy(await applicationOf(harness.kubernetes, shop.applicationName(service))),
      );
  }

  function path(plural: "jobs" | "cronjobs", name?: string): string {
    return `/apis/batch/v1/namespaces/${shop.namespace}/${plural}${name === undefined ? "" : `/${name}`}`;
  }

  function read(plural: "jobs" | "cronjobs", name: string): Promise<KubernetesObject> {
    return harness.kubernetes.request("GET", path(plural, name));
  }

  async function jobOf(name: string) {
    const job = await read("jobs", name);
    const [container = {}] = listAt(job, "spec", "template", "spec", "containers");
    return {
      uid: stringAt(job, "metadata", "uid"),
      image: stringAt(container, "image") ?? "",
      succeeded: numberAt(job, "status", "succeeded") ?? 0,
      deadline: numberAt(job, "spec", "activeDeadlineSeconds"),
    };
  }

  /** What the release record says runs. */
  function releasedImage(service: string): string {
    const file = recordPath("kinds", service);
    const record = parseRecord(file, harness.repository.files()[file] ?? "");
    if ("problems" in record || record.image === undefined) throw new Error(`nothing is released of ${service}`);
    return `${record.image.repository}@${record.image.digest}`;
  }
});
