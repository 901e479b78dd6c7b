import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { restrictedContainer, restrictedPod } from "../../../components/manifests/pod.ts";
import { errorMessage } from "../../../core/error.ts";
import { parseMigration, migrationPath, type Migration } from "../../../git/migration-record.ts";
import { parseRecord, recordPath } from "../../../git/release-record.ts";
import { conditionOf, listAt, mapAt } from "../../../kubernetes/object.ts";
import { circleCiEndpoint } from "../../../sandbox/machine/endpoints.ts";
import { eventually } from "../../support/eventually.ts";
import { pushBuild } from "../../support/image-push.ts";
import { deploymentOf, isSettled, namesOf } from "../../support/sandbox-harness.ts";
import { delivery, keepDelivering } from "../support/delivery-command.ts";
import { openEnvironment, type Environment } from "../support/environment.ts";
import { enterGitOps } from "../support/enter-gitops.ts";
import type { GitOpsHarness } from "../support/gitops-harness.ts";

/** What the image's variable MIGRATE says becomes of its migration. */
const script = `case "$MIGRATE" in
fail) echo "no such table: links" >&2; exit 3;;
hang) echo waiting for a lock; exec sleep 1000;;
slow) sleep 3;;
esac
echo migrated`;

/** An image runs once its migrations have succeeded, in a real Job that the real Argo CD makes. The tests build on each other. */
describe("migrations", () => {
  let harness: GitOpsHarness;
  let shop: Environment;
  let builds = 1;

  beforeAll(async () => {
    harness = await enterGitOps();
    const circleci = circleCiEndpoint(harness.sandbox.endpoints);
    shop = openEnvironment(harness, {
      name: "migrated",
      app: "clinic",
      services: ["cart"],
      settings: {
        ci: {
          organizationId: circleci.organizationId,
          host: circleci.url,
          environment: { DELIVERY_KUBECONFIG: "deploy-token" },
        },
        // Nothing but what records name may start: neither the migrations nor the pods may be a moment early.
        cluster: { adoptExisting: true, admission: { action: "enforce" } },
        services: { cart: { migrations: { command: ["sh", "-c", script], activeDeadlineSeconds: 15 } } },
      },
    });
  });

  afterAll(async () => {
    await shop.run("destroy");
  });

  test("the first up releases the first image after its migration, and another up changes nothing", async () => {
    const { changes } = await shop.run("up");
    expect(changes).toEqual(
      expect.arrayContaining(["create Application cart-migration", "create InitialReleases clinic"]),
    );
    expect(subjects(3)).toEqual([
      "release(migrated): first images, whose migrations have succeeded",
      "release(migrated): first migrations",
      "deploy(migrated): manifests",
    ]);
    await expectSucceeded();
    await eventually("cart runs", async () => isSettled(await cart(), 1), { seconds: 60 });
    expect((await cart()).image).toContain(released());
    expect(migration().image.digest).toBe(released());
    expect((await shop.run("up")).changes).toEqual([]);
  });

  test("an image whose migration succeeds is released after it", async () => {
    const digest = await build();
    expect(await delivery(harness, shop, "release", "--service", `cart=${digest}`)).toContain(digest.slice(0, 19));
    expect(subjects(2)).toEqual([
      `release(migrated): cart ${digest.slice(0, 19)}`,
      `migrate(migrated): cart ${digest.slice(0, 19)}`,
    ]);
    await expectSucceeded();
    await expectRunning(digest);
    // The Job before is gone.
    expect(await jobs()).toEqual([migration().job]);
  });

  test.each([
    ["fails", { MIGRATE: "fail" }, /exit status 3; its log ends with:\n +no such table: links/],
    [
      "hangs",
      { MIGRATE: "hang" },
      /it was stopped after 15 s, its activeDeadlineSeconds; its log ends with:\n +waiting/,
    ],
  ])("one whose migration %s is not released, and its log is shown", async (_what, variables, reason) => {
    if (!harness.podsRun) return;
    const before = released();
    const digest = await build(variables);
    const error = await delivery(harness, shop, "release", "--service", `cart=${digest}`).then(
      () => "",
      (failure: unknown) => errorMessage(failure),
    );
    expect(error).toMatch(reason);
    expect(migration().image.digest).toBe(digest);
    expect(released()).toBe(before);
    expect((await cart()).image).toContain(before);
  });

  test("a release that is killed while it waits is finished by the next one, with the same Job", async () => {
    const digest = await build({ MIGRATE: "slow" });
    const before = released();
    {
      await using _killed = keepDelivering(harness, shop, "release", ["--service", `cart=${digest}`], "SIGKILL");
      await eventually(
        "the Job is there",
        async () => (await jobs()).includes(migration().job) && migration().image.digest === digest,
      );
    }
    const { job } = migration();
    expect(released()).toBe(before);
    await delivery(harness, shop, "release", "--service", `cart=${digest}`);
    expect(migration().job).toBe(job);
    await expectRunning(digest);
  });

  test("two releases at a time have one Job", async () => {
    const digest = await build({ MIGRATE: "slow" });
    const { attempt } = migration();
    const twice = [1, 2].map(() => delivery(harness, shop, "release", "--service", `cart=${digest}`));
    await Promise.all(twice);
    expect(migration()).toMatchObject({ attempt: attempt + 1, image: { digest } });
    await expectRunning(digest);
  });

  test("a rollback runs none", async () => {
    const { job } = migration();
    await delivery(harness, shop, "rollback");
    expect(migration().job).toBe(job);
    await expectRunning(released());
  });

  test("what ran before may still start, and none of all these pods was ever refused", async () => {
    const allowed = mapAt(
      await harness.kubernetes.request("GET", `/api/v1/namespaces/${shop.namespace}/configmaps/cart.images`),
      "data",
    );
    expect(allowed["current"]).toBe(`${shop.imagesOf("cart")}@${released()}`);
    expect(Object.keys(allowed).length).toBeGreaterThan(2);
    const events = await harness.kubernetes.request("GET", `/api/v1/namespaces/${shop.namespace}/events`);
    const refused = listAt(events, "items").filter(({ reason }) => reason === "FailedCreate");
    expect(refused.map(({ message }) => message)).toEqual([]);
  });

  test("an image that no record names does not start", async () => {
    const pod = {
      metadata: { name: "stray", labels: { "app.kubernetes.io/name": "cart" } },
      spec: {
        ...restrictedPod(),
        containers: [{ name: "cart", image: `${shop.imagesOf("cart")}:0.1`, ...restrictedContainer() }],
      },
    };
    await expect(
      harness.kubernetes.request("POST", `/api/v1/namespaces/${shop.namespace}/pods`, { body: pod }),
    ).rejects.toThrow(`no release record of ${shop.namespace} names ${shop.imagesOf("cart")}:0.1`);
  });

  const subjects = (count: number): string[] => harness.repository.subjects().slice(0, count);
  const cart = () => deploymentOf(harness.kubernetes, shop.namespace, "cart");
  const jobs = (): Promise<string[]> => namesOf(harness.kubernetes, "batch/v1/jobs", shop.namespace);

  function build(variables: Readonly<Record<string, string>> = {}): Promise<string> {
    builds += 1;
    const from = `${shop.imagesOf("cart")}@${released()}`;
    return pushBuild(harness.stateDir, shop.imagesOf("cart"), from, `0.1.${builds}`, { MIGRATE: "", ...variables });
  }

  /** The digest that Git says cart runs. */
  function released(): string {
    const path = recordPath(shop.name, "cart");
    const record = parseRecord(path, harness.repository.files()[path] ?? "");
    if ("problems" in record || record.image === undefined) throw new Error(`${path} names no image`);
    return record.image.digest;
  }

  function migration(): Migration {
    const path = migrationPath(shop.name, "cart");
    const found = parseMigration(path, harness.repository.files()[path] ?? "");
    if (found === undefined || "problems" in found) throw new Error(`${path} has no Job`);
    return found;
  }

  async function expectSucceeded(): Promise<void> {
    const path = `/apis/batch/v1/namespaces/${shop.namespace}/jobs/${migration().job}`;
    const job = await harness.kubernetes.request("GET", path);
    expect(conditionOf(job, "Complete")).toMatchObject({ status: "True" });
  }

  async function expectRunning(digest: string): Promise<void> {
    await eventually(
      `cart runs ${digest}`,
      async () => {
        const state = await cart();
        return state.image.endsWith(digest) && isSettled(state, 1);
      },
      { seconds: 60 },
    );
  }
});
