import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { stringify } from "yaml";
import { readReleaseRecord, releaseRecordPath } from "../../../components/release-record.ts";

let file: string;
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "release-record-"));
  file = join(directory, "kustomization.yaml");
});
afterEach(() => rmSync(directory, { recursive: true }));

const repository = "docker.io/acme/shop-link";
const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
const record = {
  apiVersion: "kustomize.config.k8s.io/v1alpha1",
  kind: "Component",
  images: [{ name: repository, digest }],
};

function read(content: unknown): ReturnType<typeof readReleaseRecord> {
  writeFileSync(file, typeof content === "string" ? content : stringify(content));
  return readReleaseRecord(file, repository);
}

test("stands where delivery writes it", () => {
  expect(releaseRecordPath("deploy", "prod", "social-graph")).toBe(
    "deploy/prod/social-graph/release/kustomization.yaml",
  );
});

test("says which digest runs", () => expect(read(record)).toEqual({ digest }));

test("without a file nothing is released yet", () =>
  expect(readReleaseRecord(file, repository)).toEqual({ digest: undefined }));

test.each<[fault: string, content: unknown, problem: RegExp]>([
  ["an empty file", "", /invalid input|missing/i],
  ["a merge conflict", `<<<<<<< ours\n${stringify(record)}=======\n>>>>>>> theirs\n`, /is not YAML|invalid input/i],
  ["an alias of nothing", "images: *x\n", /is not YAML: Unresolved alias/],
  ["another kind", { ...record, kind: "Kustomization" }, /kind.*"Kustomization"/],
  ["no images", { ...record, images: [] }, /images.*exactly one image/],
  ["two images", { ...record, images: [...record.images, ...record.images] }, /images.*exactly one image/],
  [
    "a tag beside the digest",
    { ...record, images: [{ name: repository, digest, newTag: "0.2" }] },
    /images\.0\.newTag: unknown key/,
  ],
  [
    "a tag for a digest",
    { ...record, images: [{ name: repository, digest: "0.2" }] },
    /images\.0\.digest: "0\.2": must be sha256:/,
  ],
  [
    "a digest that is cut short",
    { ...record, images: [{ name: repository, digest: digest.slice(0, -1) }] },
    /must be sha256:/,
  ],
  [
    "a digest in capitals",
    { ...record, images: [{ name: repository, digest: digest.toUpperCase() }] },
    /must be sha256:/,
  ],
  [
    "another service's image",
    { ...record, images: [{ name: `${repository}-2`, digest }] },
    /"docker.io\/acme\/shop-link-2" is another image than docker.io\/acme\/shop-link;/,
  ],
])("%s is a problem in the file, and no digest", (_fault, content, problem) => {
  const result = read(content);
  if (!("problems" in result)) throw new Error(`read ${JSON.stringify(result)}`);
  expect(result.problems.length).toBeGreaterThan(0);
  for (const { location } of result.problems) expect(location.startsWith(file)).toBe(true);
  expect(result.problems.map(({ location, message }) => `${location}: ${message}`).join("\n")).toMatch(problem);
});
