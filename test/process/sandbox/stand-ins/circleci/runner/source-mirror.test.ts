import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PipelineSource } from "../../../../../../sandbox/stand-ins/circleci/runner/records.ts";
import { SourceMirror } from "../../../../../../sandbox/stand-ins/circleci/runner/source-mirror.ts";
import { BareRepository } from "../../../../../support/bare-repository.ts";

const configPath = ".circleci/config.yml";
const root = mkdtempSync(join(tmpdir(), "source-mirror-"));
const mirror = new SourceMirror(root);
let repository: BareRepository;
let source: PipelineSource;
let first: string;
let second: string;

beforeAll(() => {
  repository = new BareRepository();
  first = repository.commit({ [configPath]: "version: 2.1\n" }, "One\ntwo\n\nThree\n\n\nfour\n");
  second = repository.commit({ [configPath]: undefined, "a.txt": "a\n" }, "No config\n");
  repository.git("update-ref", "refs/heads/configs", first);
  source = {
    repositoryId: "1",
    fullName: "acme/shop",
    cloneUrl: repository.url,
    defaultBranch: "main",
    branch: "main",
    revision: "",
  };
});
afterAll(() => {
  repository[Symbol.dispose]();
  rmSync(root, { recursive: true });
});

test("a commit has its config, and its message in two parts, as Git shows them", async () => {
  const found = await mirror.find({ ...source, revision: first }, { configPath });
  expect(found).toEqual({
    revision: first,
    configRevision: first,
    subject: repository.git("log", "-1", "--format=%s", first),
    body: repository.git("log", "-1", "--format=%b", first),
    config: "version: 2.1",
  });
  expect(found).toMatchObject({ subject: "One two", body: "Three\n\n\nfour" });
});

test("without a revision it is the branch's, and the config may be missing, a directory, or another branch's", async () => {
  expect(await mirror.find(source, { configPath })).toMatchObject({
    revision: second,
    subject: "No config",
    body: "",
    config: undefined,
  });
  const ofDirectory = await mirror.find({ ...source, revision: first }, { configPath: ".circleci" });
  expect(ofDirectory.config).toBeUndefined();
  const elsewhere = await mirror.find(source, { configPath, configBranch: "configs" });
  expect(elsewhere).toMatchObject({ revision: second, configRevision: first, config: "version: 2.1" });
});

test("says which commit or branch is missing", async () => {
  const missing = "1".repeat(40);
  await expect(mirror.find({ ...source, revision: missing }, { configPath })).rejects.toThrow(
    `acme/shop has no commit ${missing}`,
  );
  await expect(mirror.find(source, { configPath, configBranch: "gone" })).rejects.toThrow(
    "acme/shop has no commit gone",
  );
});
