import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { initialRecord, recordPath, recordWith } from "../../../../git/release-record.ts";
import { identify } from "../../../../sandbox/machine/process-identity.ts";
import { BareRepository } from "../../../support/bare-repository.ts";
import { eventually } from "../../../support/eventually.ts";
import { SourceCheckout } from "../../../support/source-checkout.ts";

// The program, with its stack files, and the monorepo in one repository.
let programCheckout: SourceCheckout;
let deploy: BareRepository;
let firstCommit: string;
let second: string;
let third: string;

const stack = (directory = "shop"): string => `config:
  delivery:schemaVersion: 2
  delivery:app: { name: shop, directory: ${directory} }
  delivery:images: { organization: acme, username: ci, source: registry, context: app }
  delivery:gitops: { repository: https://git.example/acme/deploy.git }
`;

const dockerfile = "FROM scratch\nCOPY . .\nEXPOSE 7070\n";
const digest = `sha256:${"1".repeat(64)}`;

beforeAll(() => {
  programCheckout = new SourceCheckout();
  deploy = new BareRepository();
  firstCommit = programCheckout.commit({
    "stacks/Pulumi.dev.yaml": stack(),
    "shop/go.mod": "module shop\n",
    "shop/pkg/web/web.go": "package web\n",
    "shop/svc/link_service/Dockerfile": dockerfile,
    "shop/svc/link_service/main.go": 'package main\nimport _ "shop/pkg/web"\n',
    "shop/svc/user_service/Dockerfile": dockerfile,
    "shop/svc/user_service/main.go": "package main\n",
    "shop/svc/user_service/service.yaml": 'test: { command: "echo $WORD; exit 3", env: { WORD: tested } }\n',
    "shop/svc/page_service/Dockerfile": "FROM scratch\nCOPY svc/page_service .\nEXPOSE 7070\n",
    "shop/svc/page_service/package.json": JSON.stringify({ name: "page", scripts: { test: "echo paged" } }),
    "shop/svc/bare_service/Dockerfile": "FROM scratch\nEXPOSE 7070\n",
  });
  second = programCheckout.commit({ "shop/pkg/web/web.go": "package web // changed\n", "elsewhere/x": "1" });
  third = programCheckout.commit({
    "shop/svc/user_service/main.go": "package main // changed\n",
    "shop/.editorconfig": "1",
  });
});
afterAll(() => {
  programCheckout[Symbol.dispose]();
  deploy[Symbol.dispose]();
});

function delivery(args: readonly string[], cwd = programCheckout.root) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [resolve("cli/delivery.js"), ...args], {
    cwd,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

describe("changes", () => {
  test("lists the services that changed, with reasons", () => {
    expect(delivery(["changes", "--from", firstCommit])).toEqual({
      status: 0,
      stdout: "link  shared code pkg/web\nuser  svc/user_service/main.go\n",
      stderr: "",
    });
    expect(JSON.parse(delivery(["changes", "--from", second, "--json"]).stdout)).toEqual({
      from: second,
      to: third,
      services: [{ name: "user", reason: "svc/user_service/main.go" }],
      tests: [],
      everything: false,
    });
    expect(delivery(["changes", "--from", third]).stdout).toBe("no service changed\n");
  });

  test("says that it reads another commit's working tree", () => {
    const { stdout, stderr } = delivery(["changes", "--from", firstCommit, "--to", second]);
    expect(stdout).toBe("link  shared code pkg/web\n");
    expect(stderr).toBe(
      `HEAD is ${third.slice(0, 12)}, not ${second.slice(0, 12)}: the services and what they import are those of the working tree\n`,
    );
  });

  test.each(["0".repeat(40), "f".repeat(40), ""])(
    "takes everything for changed where the base is unknown: %j",
    (from) => {
      const { status, stdout } = delivery(["changes", "--from", from]);
      expect(status).toBe(0);
      expect(stdout).toMatch(/^no base is known: every service counts as changed\nbare  base .*unknown\n(.*\n){3}$/);
      expect(JSON.parse(delivery(["changes", `--from=${from}`, "--json"]).stdout)).toMatchObject({
        from,
        everything: true,
      });
    },
  );

  test("compares each service with the commit that it was released from", () => {
    programCheckout.git("checkout", "--quiet", "--detach", firstCommit);
    const aside = programCheckout.commit({ "shop/svc/bare_service/x": "1" });
    programCheckout.git("checkout", "--quiet", "main");
    const record = (sourceCommit?: string): string => recordWith({ repository: "shop", digest, sourceCommit });
    deploy.commit({
      [recordPath("dev", "link")]: record(second),
      [recordPath("dev", "user")]: record(firstCommit),
      [recordPath("dev", "page")]: initialRecord("page"),
      // Not an ancestor: what runs is not known here, whatever was pushed before.
      [recordPath("dev", "bare")]: record(aside),
    });
    const changes = (...args: string[]): unknown =>
      JSON.parse(delivery(["changes", "--env", "dev", "--repository", deploy.url, "--json", ...args]).stdout);
    const services = [
      { name: "bare", reason: `released from ${aside.slice(0, 12)}, which does not lead here` },
      { name: "page", reason: "not released yet" },
      { name: "user", reason: "svc/user_service/main.go" },
    ];
    expect(changes("--from", third)).toMatchObject({ services, everything: false });
    expect(changes()).toMatchObject({ from: null, services });
    // Nor is it where the commit is not in this checkout at all, or nobody has said it.
    deploy.commit({ [recordPath("dev", "bare")]: record("e".repeat(40)), [recordPath("dev", "user")]: record() });
    expect(changes("--from", third)).toMatchObject({
      services: [
        { name: "bare", reason: `released from ${"e".repeat(12)}, which does not lead here` },
        { name: "page" },
        { name: "user", reason: "its release names no source commit" },
      ],
    });
  });

  test("compares what was rolled back with what was taken away, so that only a later change brings it forward", () => {
    programCheckout.git("checkout", "--quiet", "--detach", firstCommit);
    const aside = programCheckout.commit({ "shop/svc/bare_service/x": "1" });
    programCheckout.git("checkout", "--quiet", "main");
    const record = (sourceCommit: string | undefined, rejected: string | undefined): string =>
      recordWith(
        { repository: "shop", digest, sourceCommit },
        { digest: `sha256:${"2".repeat(64)}`, sourceCommit: rejected },
      );
    deploy.commit({
      [recordPath("dev", "link")]: record(firstCommit, second),
      [recordPath("dev", "user")]: record(undefined, second),
      [recordPath("dev", "page")]: record(third, undefined),
      // What was taken away is no ancestor: what runs counts.
      [recordPath("dev", "bare")]: record(third, aside),
    });
    const changes = (...args: string[]): unknown =>
      JSON.parse(delivery(["changes", "--env", "dev", "--repository", deploy.url, "--json", ...args]).stdout);
    // Of link, only what was taken away differs.
    expect(changes()).toMatchObject({ services: [{ name: "user", reason: "svc/user_service/main.go" }] });
    programCheckout.commit({ "shop/svc/page_service/index.js": "1" });
    expect(changes()).toMatchObject({ services: [{ name: "page" }, { name: "user" }] });
    programCheckout.commit({ "shop/pkg/web/web.go": "package web // fixed\n" });
    expect(changes()).toMatchObject({
      services: [{ name: "link", reason: "shared code pkg/web" }, { name: "page" }, { name: "user" }],
    });
    // A pipeline of a commit before that one goes on from what runs; `release` then leaves the service alone.
    deploy.commit({ [recordPath("dev", "link")]: record(firstCommit, third) });
    programCheckout.git("reset", "--quiet", "--hard", second);
    expect(changes("--from", second)).toMatchObject({ services: [{ name: "link" }] });
    programCheckout.git("reset", "--quiet", "--hard", third);
  });

  test.each<[fault: string, args: string[], status: number, message: RegExp]>([
    ["no base", [], 2, /^error: --from is missing/],
    [
      "an unknown commit to compare with",
      ["--from", "HEAD", "--to", "nope"],
      1,
      /"nope" is no commit of this checkout/,
    ],
    [
      "an environment without a stack file",
      ["--env", "qa", "--from", "HEAD"],
      1,
      /there is no stacks\/Pulumi\.qa\.yaml/,
    ],
    ["a path for an environment", ["--env", "../dev"], 2, /--env "\.\.\/dev" is not the name of an environment/],
  ])("refuses %s", (_fault, args, status, message) => {
    expect(delivery(["changes", ...args])).toEqual({ status, stdout: "", stderr: expect.stringMatching(message) });
  });

  test.each<[fault: string, files: Record<string, string>, message: RegExp]>([
    ["no stack file", {}, /there are no stack files stacks\/Pulumi\.ENVIRONMENT\.yaml in .*; run this in the program/],
    [
      "stack files that do not agree",
      { "stacks/Pulumi.dev.yaml": stack(), "stacks/Pulumi.qa.yaml": stack("shop/svc") },
      /stacks\/Pulumi\.qa\.yaml: app\.services: "svc\/\*" matches no directory/,
    ],
    [
      "stack files that do not agree on paths",
      {
        "stacks/Pulumi.dev.yaml": stack(),
        "stacks/Pulumi.qa.yaml": `${stack()}  delivery:defaults: { paths: [x] }\n`,
      },
      /Pulumi\.dev\.yaml and stacks\/Pulumi\.qa\.yaml do not agree on the services, .*; say with --env which one counts/,
    ],
    [
      "faulty files of services, all of them at once",
      {
        "stacks/Pulumi.dev.yaml": stack(),
        "shop/svc/link_service/service.yaml": "paths: [/abs]",
        "shop/svc/user_service/service.yaml": "tests: {}",
      },
      /link_service\/service\.yaml: paths\.0: .*\n.*user_service\/service\.yaml: tests: unknown key/,
    ],
    ["no checkout of Git", { "stacks/Pulumi.dev.yaml": stack() }, /shop is in no checkout of Git; run this in a clone/],
  ])("refuses %s", (_fault, files, message) => {
    const program = mkdtempSync(join(tmpdir(), "program-"));
    try {
      cpSync(join(programCheckout.root, "shop"), join(program, "shop"), { recursive: true });
      cpSync(join(programCheckout.root, "stacks"), join(program, "stacks"), { recursive: true });
      rmSync(join(program, "stacks/Pulumi.dev.yaml"));
      for (const [path, content] of Object.entries(files)) writeFileSync(join(program, path), content);
      expect(delivery(["changes", "--from", "HEAD"], program)).toEqual({
        status: 1,
        stdout: "",
        stderr: expect.stringMatching(message),
      });
    } finally {
      rmSync(program, { recursive: true });
    }
  });
});

describe("test", () => {
  test("runs the tests of all services, also after one that fails, and sums up", () => {
    const { status, stdout, stderr } = delivery(["test", "--env", "dev"]);
    expect(stdout).toMatch(
      /^── bare: no tests are found; [^\n]*\n── link: no tests are found; say `test.command`, or `test: none`\n── page: npm test\n[^]*\npaged\n[^]*── user: echo \$WORD; exit 3\ntested\n── summary\nbare {2}no tests are found; [^\n]*\nlink {2}no tests are found; [^\n]*\npage {2}passed in .* s\nuser {2}FAILED: exit status 3\n$/,
    );
    expect({ status, stderr }).toEqual({ status: 1, stderr: "error: the tests of user failed\n" });
  });

  test("says the results as JSON, and what the tests say on standard error", () => {
    const { status, stdout, stderr } = delivery([
      "test",
      "--env",
      "dev",
      "--service",
      "user",
      "--service",
      "link",
      "--json",
    ]);
    expect(JSON.parse(stdout)).toEqual({
      services: [
        { name: "link", result: "none", seconds: 0, reason: "no tests are found; say `test.command`, or `test: none`" },
        { name: "user", result: "failed", seconds: expect.any(Number), reason: "exit status 3" },
      ],
      failed: 1,
    });
    expect(stderr).toContain("\ntested\n");
    expect(status).toBe(1);
  });

  test("runs those of the services that changed", () => {
    expect(delivery(["test", "--env", "dev", "--from", firstCommit, "--to", "HEAD~1"]).stdout).toBe(
      [
        "── link: no tests are found; say `test.command`, or `test: none`",
        "── summary",
        "link  no tests are found; say `test.command`, or `test: none`",
        "",
      ].join("\n"),
    );
    expect(delivery(["test", "--env", "dev", "--from", "HEAD"])).toEqual({
      status: 0,
      stdout: "no service to test\n",
      stderr: "",
    });
  });

  test("ends what it runs when it is interrupted", async () => {
    programCheckout.commit({
      "shop/svc/bare_service/service.yaml": 'test: { command: "sleep 600 & echo pid $!; wait" }\n',
    });
    const child = spawn(process.execPath, [resolve("cli/delivery.js"), "test", "--env", "dev"], {
      cwd: programCheckout.root,
    });
    const ended = once(child, "close");
    const lines = createInterface({ input: child.stdout });
    const background = await new Promise<number>((found) => {
      lines.on("line", (line) => line.startsWith("pid ") && found(Number(line.slice(4))));
    });
    child.kill("SIGTERM");
    expect(await ended).toEqual([1, null]);
    await eventually("what the test started has ended", async () => identify(background) === undefined);
    programCheckout.git("reset", "--quiet", "--hard", third);
  });

  test("runs `go test` of the packages with tests that a service imports, and reports that there is no Go", () => {
    programCheckout.commit({ "shop/pkg/web/web_test.go": "package web\n" });
    const { status, stdout } = spawnSync(
      process.execPath,
      [resolve("cli/delivery.js"), "test", "--env", "dev", "--service", "link"],
      { cwd: programCheckout.root, encoding: "utf8", env: { PATH: "/nowhere" } },
    );
    expect(stdout).toMatch(
      /^── link: go test \.\/pkg\/web\n[^]*link {2}FAILED: cannot run go: spawn go ENOENT; is it installed/,
    );
    expect(status).toBe(1);
  });

  test.each<[args: string[], status: number, message: string]>([
    [["--service", "lnk"], 1, 'error: there is no service "lnk"; there are bare, link, page, user\n'],
    [["--service", "link", "--from", "HEAD"], 2, "error: --service and --from exclude each other\n"],
    [["--to", "HEAD"], 2, "error: --to needs --from\n"],
  ])("refuses %j", (args, status, message) => {
    expect(delivery(["test", "--env", "dev", ...args])).toEqual({ status, stdout: "", stderr: message });
  });
});

test("this program, where it is in the monorepo, is no part of the images that copy everything", () => {
  using checkout = new SourceCheckout();
  checkout.commit({
    "infra/stacks/Pulumi.dev.yaml": `config:
  delivery:schemaVersion: 2
  delivery:app: { name: shop, directory: .. }
  delivery:images: { organization: acme, username: ci, source: registry, context: app }
  delivery:gitops: { repository: https://git.example/acme/deploy.git }
`,
    "svc/user/Dockerfile": "FROM python\nCOPY . .\nEXPOSE 7070\n",
    "svc/link/Dockerfile": "FROM python\nCOPY infra/certificates svc/link ./\nEXPOSE 7070\n",
    "infra/certificates/ca.pem": "0",
  });
  const changes = (files: Record<string, string>): string => {
    checkout.commit(files);
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [resolve("cli/delivery.js"), "changes", "--from", "HEAD~1"],
      {
        cwd: join(checkout.root, "infra"),
        encoding: "utf8",
      },
    );
    return stdout + stderr;
  };
  expect(changes({ "infra/index.ts": "1", "infra/package-lock.json": "1" })).toBe("no service changed\n");
  expect(changes({ "infrastructure/x": "1" })).toBe("user  infrastructure/x\n");
  expect(changes({ "infra/certificates/ca.pem": "1" })).toBe("link  infra/certificates/ca.pem\n");
});

test("a new commit of a submodule affects the services that need something of it, whatever .gitmodules says of it", () => {
  using library = new SourceCheckout();
  library.commit({ "proto/a.proto": "1", "go.mod": "module lib\n", "web/web.go": "package web\n" });
  using checkout = new SourceCheckout();
  checkout.git("submodule", "--quiet", "add", library.root, "shop/libs/sub");
  checkout.git("config", "--file=.gitmodules", "submodule.shop/libs/sub.ignore", "all");
  const first = checkout.commit({
    "stacks/Pulumi.dev.yaml": `config:
  delivery:schemaVersion: 2
  delivery:app: { name: shop, directory: shop }
  delivery:images: { organization: acme, username: ci, source: registry, context: app }
  delivery:gitops: { repository: https://git.example/acme/deploy.git }
`,
    "shop/svc/user/Dockerfile": "FROM golang\nEXPOSE 7070\n",
    "shop/svc/user/go.mod": "module user\nreplace lib => ../../libs/sub\n",
    "shop/svc/user/main.go": 'package main\nimport _ "lib/web"\n',
    "shop/svc/link/Dockerfile": "FROM python\nCOPY libs/sub/proto .\nEXPOSE 7070\n",
    "shop/svc/news/Dockerfile": "FROM python\nEXPOSE 7070\n",
  });
  const commit = library.commit({ "proto/a.proto": "2" });
  checkout.git("-C", "shop/libs/sub", "fetch", "--quiet", "origin", commit);
  checkout.git("-C", "shop/libs/sub", "checkout", "--quiet", commit);
  checkout.git("add", "--force", "shop/libs/sub");
  checkout.git("commit", "--quiet", "--message=a new commit of the submodule");
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [resolve("cli/delivery.js"), "changes", "--from", first],
    {
      cwd: checkout.root,
      encoding: "utf8",
    },
  );
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "link  libs/sub\nuser  libs/sub\n", stderr: "" });
});
