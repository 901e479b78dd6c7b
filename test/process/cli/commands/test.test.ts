import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { SampleMonorepo } from "../../../support/sample-monorepo.ts";

const made: SampleMonorepo[] = [];
afterEach(() => made.splice(0).forEach((sample) => sample[Symbol.dispose]()));

const stack = `config:
  delivery:schemaVersion: 2
  delivery:app: { name: shop, directory: shop }
  delivery:images: { organization: acme, username: ci, source: registry, context: app }
  delivery:gitops: { repository: https://git.example/acme/deploy.git }
`;
const dockerfile = "FROM scratch\nCOPY . .\nEXPOSE 7070\n";

/** A program with its monorepo. @param files of the monorepo */
function programOf(files: Readonly<Record<string, string | object>>): SampleMonorepo {
  const texts = Object.entries(files).map(([path, content]): [string, string] => [
    `shop/${path}`,
    typeof content === "string" ? content : JSON.stringify(content),
  ]);
  const sample = new SampleMonorepo({ "stacks/Pulumi.dev.yaml": stack, ...Object.fromEntries(texts) });
  made.push(sample);
  return sample;
}

function testAll({ root }: SampleMonorepo, environment: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [resolve("cli/delivery.js"), "test", "--env", "dev", "--json"],
    {
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, ...environment },
    },
  );
  const { services }: { services: readonly { name: string; result: string; reason: string | null }[] } =
    JSON.parse(stdout);
  return {
    status,
    results: Object.fromEntries(services.map(({ name, result, reason }) => [name, reason ?? result])),
    titles: stderr.split("\n").filter((line) => line.startsWith("── ")),
    stderr,
  };
}

test("a command fails with the first line, or the first part of a pipe, that fails", () => {
  const says = (command: string): object => ({ test: { command } });
  const { status, results, stderr } = testAll(
    programOf({
      "svc/lines/Dockerfile": dockerfile,
      "svc/lines/service.yaml": says("sh -c 'exit 4'\necho unreachable\n"),
      "svc/pipe/Dockerfile": dockerfile,
      "svc/pipe/service.yaml": says("sh -c 'exit 5' | cat"),
      "svc/good/Dockerfile": dockerfile,
      "svc/good/service.yaml": says("if false; then exit 1; fi\nfalse || echo reached\n"),
    }),
  );
  expect({ status, results }).toEqual({
    status: 1,
    results: { good: "passed", lines: "exit status 4", pipe: "exit status 5" },
  });
  expect(stderr).toMatch(/^reached$/m);
  expect(stderr).not.toMatch(/^unreachable$/m);
});

test("each service finds a directory of its own for what its tests have come to", () => {
  const { root } = programOf({
    "svc/link/Dockerfile": dockerfile,
    "svc/link/service.yaml": { test: { command: 'echo "<testsuite/>" >"$DELIVERY_TEST_RESULTS/link.xml"' } },
    "svc/user/Dockerfile": dockerfile,
    "svc/user/service.yaml": { test: { command: '[ -d "$DELIVERY_TEST_RESULTS" ] && exit 3' } },
  });
  const args = [resolve("cli/delivery.js"), "test", "--env", "dev", "--results", "../results"];
  const results = join(dirname(root), "results");
  try {
    expect(spawnSync(process.execPath, args, { cwd: root }).status).toBe(1);
    expect(readFileSync(join(results, "link/link.xml"), "utf8")).toBe("<testsuite/>\n");
    expect(readdirSync(results).toSorted()).toEqual(["link", "user"]);
  } finally {
    rmSync(results, { recursive: true, force: true });
  }
});

test("what has no tests is said aloud, and why", () => {
  const { status, results, titles } = testAll(
    programOf({
      "svc/empty/Dockerfile": dockerfile,
      "svc/none/Dockerfile": dockerfile,
      "svc/none/service.yaml": { test: "none" },
      "svc/none/package.json": { name: "none", version: "1.0.0", scripts: { test: "false" } },
    }),
  );
  const found = "no tests are found; say `test.command`, or `test: none`";
  expect({ status, results }).toEqual({
    status: 0,
    results: { empty: found, none: "not tested, as `test: none` says" },
  });
  expect(titles).toEqual([`── empty: ${found}`, "── none: not tested, as `test: none` says"]);
});

test("what no language tests by itself is told how to be tested", () => {
  const sample = programOf({
    "svc/rust/Dockerfile": dockerfile,
    "svc/rust/Cargo.toml": "",
    "svc/rust/src/lib.rs": "",
    "svc/java/Dockerfile": dockerfile,
    "pom.xml": "",
    "svc/java/pom.xml": "",
    "svc/java/src/test/T.java": "",
  });
  spawnSync("git", ["init", "-q"], { cwd: sample.root });
  expect(testAll(sample).results).toEqual({
    java: 'no tests are found; say `test: { command: "mvn -B -q -pl svc/java -am test", image: cimg/openjdk:21.0-node }`, or `test: none`',
    rust: 'no tests are found; say `test: { command: "cd svc/rust && cargo test --locked", image: cimg/rust:1.90-node }`, or `test: none`',
  });
});

describe("Node", () => {
  const service = (name: string): Record<string, string | object> => ({
    [`svc/${name}/Dockerfile`]: dockerfile,
    [`svc/${name}/package.json`]: { name, version: "1.0.0", scripts: { test: "say" }, dependencies: { say: "*" } },
  });
  const workspace = {
    "package.json": { name: "shop", workspaces: ["svc/*", "libs/*"] },
    "libs/say/package.json": { name: "say", version: "1.0.0", bin: "say.js" },
    "libs/say/say.js": '#!/usr/bin/env node\nconsole.log("said");\n',
    ...service("link"),
    ...service("user"),
  };
  const linked = (path: string): object => ({ [`node_modules/${path.split("/")[1]}`]: { resolved: path, link: true } });
  const lock = {
    name: "shop",
    lockfileVersion: 3,
    requires: true,
    packages: {
      "": { name: "shop", workspaces: ["svc/*", "libs/*"] },
      "libs/say": { version: "1.0.0", bin: { say: "say.js" } },
      "svc/link": { version: "1.0.0", dependencies: { say: "*" } },
      "svc/user": { version: "1.0.0", dependencies: { say: "*" } },
      ...linked("libs/say"),
      ...linked("svc/link"),
      ...linked("svc/user"),
    },
  };

  test("what the packages of a workspace depend on is installed once, where it is missing", () => {
    const program = programOf({ ...workspace, "package-lock.json": lock });
    const { results, titles, stderr } = testAll(program);
    expect(results).toEqual({ link: "passed", user: "passed" });
    expect(titles).toEqual([
      "── npm ci --no-audit --no-fund, since there is no node_modules in shop",
      "── link: npm test",
      "── user: npm test",
    ]);
    expect(stderr).toMatch(/^said$/m);
    expect(testAll(program).titles).toEqual(["── link: npm test", "── user: npm test"]);
  });

  test("what cannot be installed fails each of its services", () => {
    const program = programOf({ ...workspace, "pnpm-lock.yaml": "" });
    program.write({ "bin/x": "" });
    symlinkSync("/bin/false", join(program.root, "bin/pnpm"));
    const { status, results, titles } = testAll(program, { PATH: `${program.root}/bin:${process.env["PATH"]}` });
    const reason = "pnpm install --frozen-lockfile: exit status 1";
    expect({ status, results }).toEqual({ status: 1, results: { link: reason, user: reason } });
    expect(titles).toEqual(["── pnpm install --frozen-lockfile, since there is no node_modules in shop"]);
  });

  test("nothing is installed without a lock file, or without dependencies", () => {
    const program = programOf(workspace);
    expect(testAll(program).titles).toEqual(["── link: npm test", "── user: npm test"]);
    const lone = { "svc/a/package.json": { scripts: { test: "true" } }, "svc/a/package-lock.json": {} };
    const { results, titles } = testAll(programOf({ "svc/a/Dockerfile": dockerfile, ...lone }));
    expect({ results, titles }).toEqual({ results: { a: "passed" }, titles: ["── a: npm test"] });
  });
});

describe("Go", () => {
  const passing = (name: string): string => `package ${name}\nimport "testing"\nfunc TestX(t *testing.T) {}\n`;
  const failing = `package e2e\nimport "testing"\nfunc TestX(t *testing.T) { t.Fatal("needs a cluster") }\n`;
  const settings = { GOFLAGS: "-buildvcs=false", GOPROXY: "off" };
  const files = {
    "lib/go.mod": "module shop/lib\n\ngo 1.25\n",
    "lib/web/web.go": "package web\n",
    "lib/web/web_test.go": passing("web"),
    "svc/link/Dockerfile": dockerfile,
    "svc/link/go.mod": "module shop/link\n\ngo 1.25\n\nrequire shop/lib v0.0.0\n\nreplace shop/lib => ../../lib\n",
    "svc/link/cmd/server/main.go": 'package main\nimport _ "shop/lib/web"\nfunc main() {}\n',
    "svc/link/cmd/server/main_test.go": passing("main"),
    "svc/link/api/go.mod": "module shop/link/api\n\ngo 1.25\n",
    "svc/link/api/api_test.go": passing("api"),
    "svc/link/e2e/e2e_test.go": `//go:build e2e\n\n${failing}`,
  };

  test("each module is tested by itself, without the packages that constraints leave nothing of", () => {
    const { status, results, titles } = testAll(programOf(files), settings);
    expect({ status, results }).toEqual({ status: 0, results: { link: "passed" } });
    expect(titles).toEqual([
      "── link: not tested, as constraints leave nothing of it: ./e2e in svc/link",
      "── link: go test ./ in svc/link/api",
      "── link: go test ./cmd/server in svc/link",
      "── link: go test ./web in lib",
    ]);
  });

  test("a build with the tags has them", () => {
    const { status, titles } = testAll(programOf(files), { ...settings, GOFLAGS: "-buildvcs=false -tags=e2e" });
    expect(status).toBe(1);
    expect(titles).toContain("── link: go test ./cmd/server ./e2e in svc/link");
  });

  test("a module that the workspace around it does not use is tested without it", () => {
    const { results } = testAll(programOf({ ...files, "go.work": "go 1.25\n\nuse ./lib\n" }), settings);
    expect(results).toEqual({ link: "passed" });
  });
});
