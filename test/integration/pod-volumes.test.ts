import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { eventually } from "../support/eventually.ts";
import { makeHostVolumes, type HostVolumes } from "../support/host-volumes.ts";
import { createMonorepo, webServer } from "../support/monorepo.ts";
import { openPipeline, type Pipeline } from "../support/pipeline.ts";
import { podsByName, type NamedPod } from "../support/pods-by-name.ts";
import { enterSandbox, namesOf, type SandboxHarness } from "../support/sandbox-harness.ts";

const app = "stored";
const namespace = `${app}-sandbox`;

/** What each pod notes in its volume when it starts. */
const note = 'echo "$HOSTNAME $VERSION" >> /data/starts';
/** And what the first pod, found by its name, answers it. */
const ask = "until wget -qO- http://queue-0.queue-pods:8080/ > /data/seen; do sleep 0.1; done";

/** Pods that have volumes of their own, in a StatefulSet that the program applies itself. The tests build on each other. */
describe("volumes of single pods with delivery direct", () => {
  let harness: SandboxHarness;
  let pipeline: Pipeline;
  let volumes: HostVolumes;
  const settings = (more: object = {}, cluster: object = {}, size = "10Mi") => ({
    settings: {
      "delivery:services": {
        queue: {
          replicas: 2,
          env: { VERSION: "1" },
          volumes: { data: { path: "/data", size, storageClass: app, perPod: true } },
          ...more,
        },
      },
      ...cluster,
    },
  });

  beforeAll(async () => {
    harness = await enterSandbox();
    const monorepo = createMonorepo(join(harness.stateDir, "monorepos", app), []);
    monorepo.service("queue", webServer("queue", `${note}; { ${ask}; } & exec httpd -f -p 8080 -h /www`));
    pipeline = openPipeline({ ...harness, name: app, directory: monorepo.directory });
    const directory = join(harness.stateDir, "volumes");
    volumes = await makeHostVolumes(harness.kubernetes, { name: app, directory, count: 3 });
  });

  afterAll(async () => {
    await pipeline.run("destroy", settings());
    // What a person does who needs the data no more.
    await harness.kubernetes.request("DELETE", `/api/v1/namespaces/${namespace}`);
    await eventually("the namespace is gone", async () => !(await namespaceExists()), { seconds: 60 });
    await volumes[Symbol.asyncDispose]();
  });

  test("each pod has a claim of its own, and finds the others by name", async () => {
    await pipeline.run("up", settings());
    expect(await claims()).toEqual(["data-queue-0", "data-queue-1"]);
    expect(startsOf("queue-0")).toEqual(["queue-0 1"]);
    expect(startsOf("queue-1")).toEqual(["queue-1 1"]);
    await eventually(
      "each has found the first",
      async () => seen().filter((page) => page === "This is queue.\n").length === 2,
    );
    expect((await pipeline.run("up", settings())).changes).toEqual([]);
  });

  test("a pod that is lost comes back with its data", async () => {
    const before = await pods();
    await harness.kubernetes.request("DELETE", `/api/v1/namespaces/${namespace}/pods/queue-1`);
    await eventually("there is another pod, and it is ready", async () => {
      const { uid, ready } = (await pods())["queue-1"] ?? {};
      return uid !== before["queue-1"]?.uid && ready === true;
    });
    expect(startsOf("queue-1")).toEqual(["queue-1 1", "queue-1 1"]);
    expect((await pods())["queue-0"]).toEqual(before["queue-0"]);
  });

  test("an update goes pod by pod, the last one first, and each finds its data", async () => {
    const before = await pods();
    const { changes } = await pipeline.run("up", settings({ env: { VERSION: "2" } }));
    expect(changes).toEqual(["update ConfigMap queue", "update StatefulSet queue"]);
    const after = await pods();
    expect(Object.values(after).map(({ uid }) => uid)).not.toEqual(expect.arrayContaining([before["queue-0"]?.uid]));
    const [first, last] = [after["queue-0"], after["queue-1"]];
    if (first?.createdAt === undefined || last?.readySince === undefined)
      throw new Error("a pod says nothing of itself");
    expect(first.createdAt >= last.readySince).toBe(true);
    expect(startsOf("queue-0")).toEqual(["queue-0 1", "queue-0 2"]);
    expect(startsOf("queue-1")).toEqual(["queue-1 1", "queue-1 1", "queue-1 2"]);
  });

  test("more pods have claims of their own, fewer keep theirs, and the others go on undisturbed", async () => {
    const before = await pods();
    const two = { env: { VERSION: "2" } };
    expect((await pipeline.run("up", settings({ ...two, replicas: 3 }))).changes).toEqual(["update StatefulSet queue"]);
    expect(await claims()).toEqual(["data-queue-0", "data-queue-1", "data-queue-2"]);
    expect(await pods()).toMatchObject(before);
    await pipeline.run("up", settings({ ...two, replicas: 1 }));
    await eventually("one pod is left", async () => Object.keys(await pods()).length === 1);
    expect((await pods())["queue-0"]).toEqual(before["queue-0"]);
    expect(await claims()).toEqual(["data-queue-0", "data-queue-1", "data-queue-2"]);
    await pipeline.run("up", settings(two));
    expect(startsOf("queue-1").slice(-2)).toEqual(["queue-1 2", "queue-1 2"]);
    expect(await namesOf(harness.kubernetes, "v1/pods", namespace)).toEqual(["queue-0", "queue-1"]);
  });

  test("another size makes the StatefulSet anew, and its pods find their data", async () => {
    const two = { env: { VERSION: "2" } };
    const [zero, one] = [startsOf("queue-0"), startsOf("queue-1")];
    const { changes } = await pipeline.run("up", settings(two, {}, "8Mi"));
    expect(changes.filter((change) => change.includes("StatefulSet"))).toContain("replace StatefulSet queue");
    expect(startsOf("queue-0")).toEqual([...zero, "queue-0 2"]);
    expect(startsOf("queue-1")).toEqual([...one, "queue-1 2"]);
  });

  test("destroy keeps the data, and a later up takes it over", async () => {
    const before = startsOf("queue-0");
    await pipeline.run("destroy", settings());
    expect(await claims()).toEqual(["data-queue-0", "data-queue-1", "data-queue-2"]);
    for (const kind of ["apps/v1/statefulsets", "v1/pods", "v1/services", "v1/secrets"])
      expect(await namesOf(harness.kubernetes, kind, namespace)).toEqual([]);
    await pipeline.run("up", settings({}, { "delivery:cluster": { adoptExisting: true } }));
    expect(startsOf("queue-0")).toEqual([...before, "queue-0 1"]);
  });

  const pods = (): Promise<Record<string, NamedPod>> => podsByName(harness.kubernetes, namespace);
  const claims = (): Promise<string[]> => namesOf(harness.kubernetes, "v1/persistentvolumeclaims", namespace);

  async function namespaceExists(): Promise<boolean> {
    const list = await harness.kubernetes.request("GET", "/api/v1/namespaces");
    const { items } = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) }).parse(list);
    return items.some(({ metadata }) => metadata.name === namespace);
  }

  /** What a pod has noted; each volume has the notes of one pod. */
  function startsOf(pod: string): string[] {
    const notes = read("starts").map((text) => text.trim().split("\n"));
    const own = notes.filter((lines) => lines[0]?.startsWith(`${pod} `));
    expect(own).toHaveLength(1);
    return own.flat();
  }

  function seen(): string[] {
    return read("seen");
  }

  function read(file: string): string[] {
    return volumes.folders.flatMap((folder) => {
      const path = join(folder, file);
      return existsSync(path) ? [readFileSync(path, "utf8")] : [];
    });
  }
});
