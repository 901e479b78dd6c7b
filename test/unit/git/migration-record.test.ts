import { describe, expect, test } from "vitest";
import { maxMigratedNameLength, migrationJobName } from "../../../core/names.ts";
import { parseYaml, isMap } from "../../../core/yaml.ts";
import {
  initialMigration,
  migrationPath,
  migrationWith,
  parseMigration,
  serviceOfMigration,
} from "../../../git/migration-record.ts";
import { migrationTemplate } from "../../support/sample-migration.ts";

const image = { repository: "docker.io/acme/shop-link", digest: `sha256:${"a1".repeat(32)}` };
const path = migrationPath("dev", "link");

function written(change: Partial<Parameters<typeof migrationWith>[1]> = {}): string {
  return migrationWith(migrationTemplate("link"), { service: "link", image, attempt: 3, ...change });
}

test("what is written says the same when it is read", () => {
  const contractedBy = `sha256:${"b".repeat(64)}`;
  expect(parseMigration(path, written({ contractedBy }))).toEqual({
    image,
    attempt: 3,
    job: "link-migration-a1a1a1a1-3",
    namespace: "shop-dev",
    activeDeadlineSeconds: 600,
    contractedBy,
  });
});

test("is the template with name, image and attempt, and without the mark of the template", () => {
  const parsed = parseYaml(written());
  const job = "value" in parsed && isMap(parsed.value) ? parsed.value : {};
  const template = migrationTemplate("link");
  expect(job).toMatchObject({ apiVersion: "batch/v1", kind: "Job" });
  expect(job["metadata"]).toEqual({
    ...Object(template["metadata"]),
    name: "link-migration-a1a1a1a1-3",
    annotations: { "delivery/migration-attempt": "3" },
  });
  expect(JSON.stringify(job["spec"])).toBe(
    JSON.stringify(template["spec"]).replace(`"${image.repository}"`, `"${image.repository}@${image.digest}"`),
  );
});

test("before the first migration there is none", () => {
  expect(parseMigration(path, initialMigration())).toBeUndefined();
  expect(parseMigration(path, "")).toBeUndefined();
});

describe("a record that is none is told", () => {
  test.each<[what: string, text: string, location: string, hint: RegExp]>([
    ["no YAML", "a: [", path, /is not YAML/],
    ["another kind", written().replace('"Job"', '"CronJob"'), `${path}: kind`, /"CronJob": must be a Job/],
    [
      "an image by tag",
      written().replace(/@sha256:[0-9a-f]+/, ":0.1"),
      `${path}: spec.template.spec.containers.0.image`,
      /must be an image by digest/,
    ],
    [
      "no attempt",
      written().replace('"3"', '"third"'),
      `${path}: metadata.annotations.delivery/migration-attempt`,
      /"third": must be the number of the attempt/,
    ],
  ])("%s", (_what, text, location, hint) => {
    const parsed = parseMigration(path, text);
    expect(parsed).toHaveProperty("problems.0.location", location);
    expect(parsed).toHaveProperty("problems.0.message", expect.stringMatching(hint));
  });
});

test.each([
  ["dev/link/migration/job.yaml", "link"],
  ["dev/link/migration/template/job.yaml", undefined],
  ["dev/link/release/kustomization.yaml", undefined],
  ["staging/link/migration/job.yaml", undefined],
])("%s is the record of %s", (file, service) => expect(serviceOfMigration("dev", file)).toBe(service));

test("the Job of a service with the longest name has a name that labels of pods take", () => {
  const longest = "a".repeat(maxMigratedNameLength);
  expect(migrationJobName(longest, image.digest, 9999)).toHaveLength(63);
});
