import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ensureCredentials, gitUsers } from "../../../../sandbox/machine/credentials.ts";
import { pushesFolder } from "../../../../sandbox/stand-ins/git-server/pushes.ts";
import { ensureRepository, repositoryPath } from "../../../../sandbox/stand-ins/git-server/repositories.ts";
import { serveGit, type GitHttp } from "../../../../sandbox/stand-ins/git-server/server.ts";
import { seedSourceRepository } from "../../../../sandbox/stand-ins/source-repository.ts";

const name = "delinkcious/delinkcious";
const stateDir = mkdtempSync(join(tmpdir(), "source-repository-"));
const root = join(stateDir, "git");
// As the engine writes it: without comments, with real ports and encrypted secrets.
const stackFile = `${readFileSync("stacks/Pulumi.sandbox.yaml", "utf8").replace("localhost:5001", "localhost:5077")}encryptionsalt: v1:salt\n`;
const server: { current?: GitHttp } = {};

beforeAll(async () => {
  mkdirSync(pushesFolder(root), { recursive: true });
  await ensureRepository(root, { name, public: true, rewritable: "branches" });
  const token = ensureCredentials(stateDir).gitWriteToken;
  server.current = await serveGit({
    port: 0,
    root,
    users: [{ name: gitUsers.writer, token, access: "write" }],
    log: () => undefined,
  });
  mkdirSync(join(stateDir, "pulumi", "workspace"), { recursive: true });
  writeFileSync(join(stateDir, "pulumi", "workspace", "Pulumi.sandbox.yaml"), stackFile);
});

afterAll(async () => {
  await server.current?.[Symbol.asyncDispose]();
  rmSync(stateDir, { recursive: true });
});

const git = (...args: string[]): string =>
  execFileSync("git", ["--git-dir", repositoryPath(root, name), ...args], { maxBuffer: 2 ** 26 }).toString();

const seed = (report: (line: string) => void): Promise<{ commit: string } | undefined> =>
  seedSourceRepository(
    stateDir,
    {
      registryHost: "localhost:5077",
      circleci: { url: "http://localhost:8100/api/v2", organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10" },
      kubeconfigPath: "",
      sourceRepository: `${server.current?.url ?? ""}/${name}.git`,
    },
    report,
  );

test("the source repository gets this checkout once, with the settings that hold and a pipeline, and starts none", async () => {
  const said: string[] = [];
  const imported = await seed((line) => said.push(line));
  expect(imported).toEqual({ commit: git("rev-parse", "main").trim() });
  expect(said).toEqual([expect.stringContaining("importing this checkout")]);
  expect(git("log", "--format=%B", "main").trim()).toBe("Import\n\n[skip ci]");
  const files = git("ls-tree", "-r", "--name-only", "main").split("\n");
  expect(files).toEqual(expect.arrayContaining(["index.ts", "examples/delinkcious/go.mod", ".circleci/config.yml"]));
  expect(files.filter((file) => /node_modules|^\.sandbox/.test(file))).toEqual([]);
  expect(git("show", "main:stacks/Pulumi.sandbox.yaml")).toBe(stackFile);
  expect(git("show", "main:package.json")).toBe(readFileSync("package.json", "utf8"));
  expect(git("show", "main:.circleci/config.yml")).toContain("ci-config --env sandbox");

  const head = git("rev-parse", "main");
  expect(await seed((line) => said.push(line))).toBeUndefined();
  expect([git("rev-parse", "main"), said.length]).toEqual([head, 1]);
});
