import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { initialMigrationsProvider, initialReleasesProvider } from "../../../components/initial-releases-provider.ts";
import { initialMigration, migrationPath, parseMigration, type Migration } from "../../../git/migration-record.ts";
import { initialRecord, recordPath, recordWith } from "../../../git/release-record.ts";
import { BareRepository } from "../../support/bare-repository.ts";
import { sampleMigrationFiles } from "../../support/sample-migration.ts";

const repository = "docker.io/acme/shop-link";
const one = `sha256:${"1".repeat(64)}`;
const two = `sha256:${"2".repeat(64)}`;

let deploy: BareRepository;
beforeEach(() => {
  deploy = new BareRepository();
  declare({});
});
afterEach(() => deploy[Symbol.dispose]());

/** What `GitManifests` writes before. */
function declare(settings: { contract?: boolean }, record = initialRecord("link")): void {
  const migrations = { command: ["/app", "migrate"], ...settings };
  const files = Object.entries(sampleMigrationFiles("link", { migrations }));
  deploy.commit({
    ...Object.fromEntries(files.map(([path, text]) => [`dev/link/${path}`, text])),
    [migrationPath("dev", "link")]: initialMigration(),
    [recordPath("dev", "link")]: record,
  });
}

const inputs = (digest: string) => ({
  repository: deploy.url,
  branch: "main",
  directory: "dev",
  images: { link: `${repository}@${digest}` },
  stack: "delivery/dev",
});
const record = (): string | undefined => deploy.files()[recordPath("dev", "link")];
function migration(): Migration | undefined {
  const found = parseMigration("job", deploy.files()[migrationPath("dev", "link")] ?? "");
  return found !== undefined && "problems" in found ? undefined : found;
}

describe("the first image of a service with migrations", () => {
  test("has them run by one commit, and is released by another one", async () => {
    const migrated = await initialMigrationsProvider.create(inputs(one));
    expect(migrated.outs.unreleased).toEqual(["link"]);
    expect(migration()).toMatchObject({ image: { repository, digest: one }, attempt: 1 });
    expect(record()).toBe(initialRecord("link"));
    await initialReleasesProvider.create(inputs(one));
    expect(record()).toBe(recordWith({ repository, digest: one }));
    expect(deploy.subjects().slice(0, 2)).toEqual([
      "release(dev): first images, whose migrations have succeeded",
      "release(dev): first migrations",
    ]);
  });

  test("where they have failed, those of the next image run, and that is released", async () => {
    const { outs } = await initialMigrationsProvider.create(inputs(one));
    expect(await initialMigrationsProvider.diff("id", outs, inputs(one))).toEqual({ changes: false });
    expect(await initialMigrationsProvider.diff("id", outs, inputs(two))).toEqual({ changes: true });
    await initialMigrationsProvider.update("id", outs, inputs(two));
    expect(migration()).toMatchObject({ image: { digest: two }, attempt: 2 });
    await initialReleasesProvider.create(inputs(two));
    expect(record()).toBe(recordWith({ repository, digest: two }));
  });

  test("is not released where somebody else has another one migrated by now", async () => {
    await initialMigrationsProvider.create(inputs(two));
    await initialReleasesProvider.create(inputs(one));
    expect(record()).toBe(initialRecord("link"));
  });

  test("with contract, its record says so", async () => {
    declare({ contract: true });
    await initialMigrationsProvider.create(inputs(one));
    await initialReleasesProvider.create(inputs(one));
    expect(record()).toBe(recordWith({ repository, digest: one, contractedBy: one }));
  });

  test("is none of this program's business once there is a release", async () => {
    const released = recordWith({ repository, digest: two });
    declare({}, released);
    const before = deploy.git("rev-parse", "main");
    const { outs } = await initialMigrationsProvider.create(inputs(one));
    await initialReleasesProvider.create(inputs(one));
    expect(deploy.git("rev-parse", "main")).toBe(before);
    expect(record()).toBe(released);
    expect(await initialMigrationsProvider.diff("id", outs, inputs(two))).toEqual({ changes: false });
  });
});
