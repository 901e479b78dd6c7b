import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readChangedPaths } from "../../../../../sandbox/stand-ins/git-server/argocd-refresh.ts";
import { ensureRepository, repositoryPath } from "../../../../../sandbox/stand-ins/git-server/repositories.ts";
import { BareRepository } from "../../../../support/bare-repository.ts";

let root: string;
let repository: BareRepository;
let commits: string[];
const ref = "refs/heads/main";
const after = (before: string | undefined, commit: string | undefined): Promise<string[]> =>
  readChangedPaths(root, {
    repository: "deploy",
    updates: [{ ref, ...(before === undefined ? {} : { before }), ...(commit === undefined ? {} : { after: commit }) }],
  });

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "delivery-paths-"));
  await ensureRepository(root, { name: "deploy" });
  repository = new BareRepository({ existing: repositoryPath(root, "deploy") });
  commits = [
    repository.commit({ "dev/link/a.yaml": "1", "dev/user/ü b.yaml": "1" }),
    repository.commit({ "dev/link/a.yaml": "2" }),
    repository.commit({ "dev/user/ü b.yaml": "2" }),
  ];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("are those of all commits of a push", async () => {
  expect(await after(commits[0], commits[2])).toEqual(["dev/link/a.yaml", "dev/user/ü b.yaml"]);
  expect(await after(commits[1], commits[2])).toEqual(["dev/user/ü b.yaml"]);
});

test("cannot be told of a new branch, of one that is gone, and of a commit that is not there", async () => {
  expect(await after(undefined, commits[2])).toEqual([]);
  expect(await after(commits[2], undefined)).toEqual([]);
  expect(await after("1".repeat(40), commits[2])).toEqual([]);
});
