import { describe, expect, test } from "vitest";
import { branchProblem, pathProblem, repositoryProblem } from "../../../git/deploy-branch.ts";

describe("the URL of a deploy repository", () => {
  test.each([
    "https://github.com/acme/deploy.git",
    "http://127.0.0.1:3000/acme/deploy.git",
    "ssh://git@github.com/acme/deploy.git",
    "git@github.com:acme/deploy.git",
    "file:///srv/deploy.git",
  ])("%s is one", (url) => expect(repositoryProblem(url)).toBeUndefined());

  test.each<[url: string, reason: RegExp]>([
    ["https://alice:hunter2@github.com/acme/deploy.git", /has a credential in it.*DELIVERY_GIT_TOKEN/],
    ["https://ghp_hunter2@github.com/acme/deploy.git", /has a credential in it/],
    ["ssh://git:hunter2@github.com/acme/deploy.git", /has a password in it/],
    ["ext::sh -c hunter2", /is not the URL/],
    ["--upload-pack=hunter2", /is not the URL/],
    ["acme/deploy", /is not the URL/],
    ["ftp://github.com/acme/deploy.git", /has the scheme ftp:\/\//],
    ["https://", /is not a valid URL/],
    ["https://github.com/acme/deploy.git?token=hunter2", /has a query/],
    ["", /is not the URL/],
  ])("%s is none, and the reason shows no credential", (url, reason) => {
    expect(repositoryProblem(url)).toMatch(reason);
    expect(repositoryProblem(url)).not.toContain("hunter2");
  });
});

describe("the name of a branch", () => {
  test.each(["main", "deploy/dev", "release-1.2", "feature/ü"])("%s is one", (branch) =>
    expect(branchProblem(branch)).toBeUndefined(),
  );
  test.each([
    "",
    "-f",
    "a..b",
    "a b",
    "a~1",
    "a:b",
    "/a",
    "a/",
    "a//b",
    "a.lock",
    "a/.b",
    "@",
    "HEAD",
    "a@{1}",
    "a\\b",
    "a*",
    "a\nb",
  ])("%j is none", (branch) => expect(branchProblem(branch)).toContain(JSON.stringify(branch)));
});

describe("a path in the repository", () => {
  test.each(["dev", "dev/link/deployment.yaml", "dev/.delivery.yaml", "dev/a b.yaml"])("%s is one", (path) =>
    expect(pathProblem(path)).toBeUndefined(),
  );
  test.each([
    "",
    "/etc/passwd",
    "../x",
    "dev/../x",
    "dev//x",
    "dev/",
    "./dev",
    ".git/config",
    "dev/.GIT/hooks/x",
    "dev\\x",
    "dev/\0",
  ])("%j is none", (path) => expect(pathProblem(path)).toContain(JSON.stringify(path)));
});
