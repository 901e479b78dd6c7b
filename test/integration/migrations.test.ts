import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { createMonorepo, type Monorepo } from "../support/monorepo.ts";
import { openPipeline, type Pipeline } from "../support/pipeline.ts";
import { deploymentOf, enterSandbox, namesOf, type SandboxHarness } from "../support/sandbox-harness.ts";

const namespace = "migrated-sandbox";

/** With delivery `direct`, this program runs the migrations of an image before its pods. The tests build on each other. */
describe("migrations with delivery direct", () => {
  let harness: SandboxHarness;
  let monorepo: Monorepo;
  let pipeline: Pipeline;

  const migrate = (script: string): void => monorepo.write("svc/cart_service/www/migrate.sh", `${script}\n`);
  const settings = (env: Readonly<Record<string, string>> = {}) => ({
    settings: {
      "delivery:services": {
        cart: { env, migrations: { command: ["sh", "/www/migrate.sh"], activeDeadlineSeconds: 60 } },
      },
    },
  });
  const running = async (): Promise<string> => (await deploymentOf(harness.kubernetes, namespace, "cart")).image;
  const jobs = (): Promise<string[]> => namesOf(harness.kubernetes, "batch/v1/jobs", namespace);

  beforeAll(async () => {
    harness = await enterSandbox();
    monorepo = createMonorepo(join(harness.stateDir, "monorepos", "migrated"), ["cart"]);
    pipeline = openPipeline({ ...harness, name: "migrated", directory: monorepo.directory });
  });

  afterAll(async () => {
    await pipeline.run("destroy");
  });

  test("run before the first pods, by a Job of the image", async () => {
    migrate("echo migrated");
    expect((await pipeline.run("up", settings())).changes).toContain("create Job cart-migration");
    expect(await jobs()).toEqual([`cart-migration-${(await running()).replace(/^.*@sha256:(.{8}).*$/, "$1")}-1`]);
    expect((await pipeline.run("up", settings())).changes).toEqual([]);
  });

  test("that fail leave the pods as they are, and say why", async () => {
    const before = await running();
    migrate('[ "$DATABASE" = there ] || { echo no database >&2; exit 3; }');
    const { error, changes } = await pipeline.fail("up", settings());
    expect(error).toMatch(/Job migrated-sandbox\/cart-migration-\S+ failed: \[BackoffLimitExceeded\]/);
    expect(changes).not.toContain("update Deployment cart");
    expect(await running()).toBe(before);
  });

  test("are tried again by the next up, though the image is the same", async () => {
    const before = await running();
    const failed = await jobs();
    await pipeline.run("up", settings({ DATABASE: "there" }));
    expect(await running()).not.toBe(before);
    expect(await jobs()).toEqual(failed);
    expect((await pipeline.run("up", settings({ DATABASE: "there" }))).changes).toEqual([]);
  });

  test("go on when an up is interrupted, and the next up waits for the same Job", async () => {
    migrate("sleep 20");
    const before = await jobs();
    const interrupted = new AbortController();
    const stopped = pipeline.fail("up", { ...settings(), signal: interrupted.signal });
    const started = await eventually("the Job of the new image runs", async () => {
      const name = (await jobs()).find((one) => !before.includes(one));
      return name !== undefined && "active" in (await job(name)).status && name;
    });
    const { uid } = (await job(started)).metadata;
    interrupted.abort();
    await stopped;
    await pipeline.run("up", settings());
    expect(await job(started)).toMatchObject({ metadata: { uid }, status: { succeeded: 1 } });
    expect((await pipeline.run("up", settings())).changes).toEqual([]);
  });

  async function job(name: string): Promise<{ metadata: { uid: string }; status: object }> {
    const found: unknown = await harness.kubernetes.request(
      "GET",
      `/apis/batch/v1/namespaces/${namespace}/jobs/${name}`,
    );
    return found as { metadata: { uid: string }; status: object };
  }
});
