import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { SourceCheckout } from "../../../support/source-checkout.ts";

const program = resolve(".");
const dockerfile = "FROM scratch\nCOPY main.go .\nEXPOSE 8080\n";

/** The program in a repository of its own, and the monorepo beside it. */
let own: SourceCheckout;
let shop: SourceCheckout;
beforeEach(() => {
  own = new SourceCheckout();
  own.git("remote", "add", "origin", "git@github.com:acme/delivery.git");
  shop = new SourceCheckout();
  shop.git("remote", "add", "origin", "https://github.com/acme/shop.git");
  shop.commit({
    ".gitignore": "build/\n",
    "svc/link/Dockerfile": dockerfile,
    "svc/link/main.go": "",
    "svc/user/Dockerfile": dockerfile,
    "svc/user/main.go": "",
    "svc/mail/Dockerfile": "FROM x\nCOPY --chown=1 *.go .\n",
    "svc/mail/main.go": "",
  });
});
afterEach(() => {
  own[Symbol.dispose]();
  shop[Symbol.dispose]();
});

function delivery(args: readonly string[], cwd = own.root) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(program, "cli/delivery.js"), ...args], { cwd });
  return { status, out: stdout.toString(), err: stderr.toString() };
}

const init = (...args: readonly string[]) => delivery(["init", "--app", shop.root, ...args]);
const stackFile = (): string => readFileSync(join(own.root, "stacks/Pulumi.dev.yaml"), "utf8");

test("writes a stack file that the program takes, and says what is missing", () => {
  // What Git ignores, and what only the disk has, is nothing.
  mkdirSync(join(shop.root, "build/x"), { recursive: true });
  writeFileSync(join(shop.root, "build/x/Dockerfile"), dockerfile);
  const { status, out, err } = init();
  expect([status, err]).toEqual([0, ""]);
  expect(out).toContain("wrote stacks/Pulumi.dev.yaml\n\n3 services:\n  link: ");
  expect(out).toMatch(/Missing now:\n {2}ci\.organizationId: .*\n {2}ci\.repositoryId: gh api repos\/acme\/shop /);
  expect(out).toContain("secrets.deploy-token: a token that may write to the deploy repository");
  const { config } = parse(stackFile());
  expect(config["delivery:ci"].program).toEqual({ repository: "https://github.com/acme/delivery.git" });
  expect(config["delivery:github"]).toEqual({ repository: "acme/shop", branch: "main" });
  expect(config["delivery:services"]).toEqual({ mail: { kind: "worker" } });
  expect(delivery(["ci-config", "--env", "dev"])).toMatchObject({ status: 0, err: "" });
  expect(readFileSync(join(shop.root, ".circleci/continue_config.yml"), "utf8")).toContain("build-link");
});

test("a further environment promotes from the last before it, and owns nothing that is shared", () => {
  init();
  expect(init("--env", "staging").status).toBe(0);
  expect(init("--env", "prod").out).toContain("ci.projectSlug: the slug of the project that another stack owns");
  const read = (name: string) => parse(readFileSync(join(own.root, `stacks/Pulumi.${name}.yaml`), "utf8")).config;
  for (const [name, from] of [
    ["staging", "dev"],
    ["prod", "staging"],
  ] as const) {
    const config = read(name);
    expect([config["delivery:promotion"], config["delivery:owns"]]).toEqual([{ from }, undefined]);
    expect(config["delivery:ci"].contexts).toBeUndefined();
    expect(config["delivery:ci"].projectSlug).toMatch(/^circleci\/[^/]+\/[^/]+$/);
    expect(config["delivery:gitops"].branch).toBe(name);
  }
  expect(init("--env", "dev").out).toBe("stacks/Pulumi.dev.yaml is what would be written\n");
  expect(delivery(["ci-config", "--env", "dev"])).toMatchObject({ status: 0, err: "" });
});

test("a further environment has what the owner says that all have in common, as somebody has corrected it", () => {
  init();
  const organizationId = "3f0c8f0a-5d0e-4c1b-9c55-0a5d3c7e1f10";
  const edited = stackFile()
    .replace("name: shop #", "name: webshop #")
    .replace("organization: acme #", "registry: ghcr.io\n    organization: acme-inc #")
    .replace("username: acme #", "login: own #")
    .replace("https://github.com/acme/shop-deploy.git", "https://git.example/infra.git")
    .replace("00000000-0000-0000-0000-000000000000", organizationId);
  writeFileSync(join(own.root, "stacks/Pulumi.dev.yaml"), edited);
  const { out } = init("--env", "staging");
  expect(out).toContain(".circleci: npx delivery ci-config --env dev, ");
  const { config } = parse(readFileSync(join(own.root, "stacks/Pulumi.staging.yaml"), "utf8"));
  expect(config).toMatchObject({
    "delivery:app": { name: "webshop" },
    "delivery:ci": { organizationId },
    "delivery:gitops": { repository: "https://git.example/infra.git", branch: "staging" },
  });
  expect(config["delivery:images"]).toEqual({
    registry: "ghcr.io",
    organization: "acme-inc",
    login: "own",
    source: "registry",
  });
  expect(delivery(["ci-config", "--env", "dev"])).toMatchObject({ status: 0, err: "" });
});

test("a service whose own file needs something of the stack file is none that is left out", () => {
  const rollout = "replicas: 2\nrollout: { strategy: canary, steps: [{ weight: 50, pause: 1m }] }\n";
  shop.commit({ "svc/link/service.yaml": rollout });
  const { status, out } = init();
  expect(status).toBe(0);
  expect(out).toContain("3 services:\n  link: ");
  expect(out).toMatch(
    /^to mend: .*svc\/link\/service\.yaml: rollout: .* gitops\.rollouts of stacks\/Pulumi\.dev\.yaml/m,
  );
  expect(out).not.toContain("Left out");
});

test.each(["tekton", "travis"])("the pipeline may be run by %s, in further environments, too", (engine) => {
  expect(init("--engine", engine).status).toBe(0);
  expect(parse(stackFile()).config["delivery:ci"]).toMatchObject({ engine });
  expect(parse(stackFile()).config["delivery:ci"].organizationId).toBeUndefined();
  const { out } = init("--env", "staging", "--print");
  expect(parse(out).config["delivery:ci"]).toMatchObject({ engine });
  expect(parse(out).config["delivery:ci"].projectSlug).toBeUndefined();
  expect(delivery(["ci-config", "--env", "dev"])).toMatchObject({ status: 0, err: "" });
});

test("in the monorepo's own repository needs neither --app nor ci.program", () => {
  mkdirSync(join(shop.root, "delivery"));
  const { status, out } = delivery(["init", "--print"], join(shop.root, "delivery"));
  expect(status).toBe(0);
  const { config } = parse(out);
  expect(config["delivery:app"]).toEqual({ name: "shop", directory: "..", services: "svc/*" });
  expect(config["delivery:ci"].program).toBeUndefined();
  expect(existsSync(join(shop.root, "delivery/stacks"))).toBe(false);
});

test("a stack file that is there stays, and the difference is shown", () => {
  init();
  const written = stackFile();
  expect(init()).toMatchObject({ status: 0, out: "stacks/Pulumi.dev.yaml is what would be written\n" });
  const edited = written.replace("organization: acme", "organization: mine");
  writeFileSync(join(own.root, "stacks/Pulumi.dev.yaml"), edited);
  shop.commit({ "svc/user/Dockerfile": undefined, "svc/web/app.Dockerfile": "FROM x\nEXPOSE 1\n" });
  const { status, out, err } = init();
  expect(status).toBe(0);
  expect(out).toMatch(/^-\s+organization: mine # → .*\n\+\s+organization: acme # → /m);
  expect(out).toMatch(/^\+\s+dockerfile: svc\/web\/app\.Dockerfile$/m);
  expect(err).toContain("stacks/Pulumi.dev.yaml is there and stays as it is");
  expect(stackFile()).toBe(edited);
});

test("--check says what is missing until nothing is, and writes nothing", () => {
  const none = init("--check");
  expect(none.status).toBe(1);
  expect(none.err).toContain("there is no stacks/Pulumi.dev.yaml; `npx delivery init --app");
  expect(existsSync(join(own.root, "stacks"))).toBe(false);
  init();
  const { status, err } = init("--check");
  expect(status).toBe(1);
  for (const what of ["ci.organizationId", "ci.repositoryId", "registryPassword", "gitToken", ".circleci"])
    expect(err).toContain(`       ${what}: `);
  const secret = "{ secure: v1:xxx }";
  // `pulumi config set` writes the version in quotes.
  const complete = stackFile()
    .replace("schemaVersion: 2\n", 'schemaVersion: "2"\n')
    .replace("00000000-0000-0000-0000-000000000000", "3f0c8f0a-5d0e-4c1b-9c55-0a5d3c7e1f10")
    .replace('# repositoryId: "123"', 'repositoryId: "123"')
    .concat(
      ...["registryPassword", "circleciToken", "gitToken"].map((key) => `  delivery:${key}: ${secret}\n`),
      `  delivery:secrets: { deploy-token: ${secret}, github-token: ${secret}, pulumi-token: ${secret} }\n`,
    );
  writeFileSync(join(own.root, "stacks/Pulumi.dev.yaml"), complete);
  delivery(["ci-config", "--env", "dev"]);
  expect(init("--check")).toEqual({
    status: 0,
    out: "stacks/Pulumi.dev.yaml has all that a pipeline needs\n",
    err: "",
  });
  // A service that has come since is said, and so is a key that is wrong.
  shop.commit({ "apps/web/Dockerfile": "FROM x\nEXPOSE 1\n" });
  expect(init("--check")).toMatchObject({
    status: 0,
    err: "note: no service is made of apps/web/Dockerfile: `web: { dockerfile: apps/web/Dockerfile }` in `services` does\n",
  });
  writeFileSync(join(own.root, "stacks/Pulumi.dev.yaml"), complete.replace("kind: worker", "kind: daemon"));
  expect(init("--check").err).toContain('services.mail.kind: "daemon": must be server, worker, cron or job');
});

test("the stack file of another monorepo stays, and no difference to it is shown", () => {
  init();
  const other = stackFile().replace(/directory: .*/, "directory: examples/delinkcious");
  writeFileSync(join(own.root, "stacks/Pulumi.dev.yaml"), other);
  for (const args of [[], ["--check"]])
    expect(init(...args)).toMatchObject({
      status: 1,
      out: "",
      err: expect.stringMatching(
        /^error: stacks\/Pulumi\.dev\.yaml is of the monorepo in examples\/delinkcious, not of /,
      ),
    });
  expect(stackFile()).toBe(other);
  expect(init("--env", "qa")).toMatchObject({ status: 0, out: expect.stringContaining("wrote stacks/Pulumi.qa.yaml") });
});

test("a deploy repository of nobody is missing until it is written", () => {
  shop.git("remote", "remove", "origin");
  expect(init().out).toMatch(/^ {2}gitops\.repository: the URL of a repository of yours/m);
  const file = join(own.root, "stacks/Pulumi.dev.yaml");
  writeFileSync(file, stackFile().replace("https://github.com/owner/", "https://github.com/acme/"));
  expect(init("--check").err).not.toContain("gitops.repository");
});

test.each<[what: string, args: () => readonly string[], status: number, message: RegExp]>([
  ["no directory", () => ["--app", "no/such"], 2, /--app "no\/such" does not exist/],
  ["no --app where the program is the repository", () => [], 2, /--app is missing: the root of the monorepo/],
  ["no checkout", () => ["--app", "/"], 1, /is in no checkout of Git/],
  ["both ways", () => ["--app", shop.root, "--print", "--check"], 2, /--print and --check exclude/],
  ["no such environment", () => ["--app", shop.root, "--env", "../x"], 2, /is not the name of an environment/],
  ["no Dockerfile", () => ["--app", own.root], 1, /Git knows no Dockerfile there of which a service can be made/],
])("refuses %s, and writes nothing", (_what, args, status, message) => {
  const result = delivery(["init", ...args()]);
  expect(result.status).toBe(status);
  expect(result.err).toMatch(message);
  expect(existsSync(join(own.root, "stacks"))).toBe(false);
});

test("takes nothing from what Git ignores: a file .env with passwords, a directory of that name", () => {
  shop.commit({
    ".gitignore": ".env\n",
    "compose.yaml": [
      "services:",
      "  web: { build: { context: svc/link, args: { KEY: $KEY } }, environment: [KEY, MODE=web] }",
      "  admin: { build: { context: svc/link, args: { KEY: $KEY } }, environment: [KEY, MODE=admin] }",
      "",
    ].join("\n"),
  });
  writeFileSync(join(shop.root, ".env"), "KEY=sk_live_1\n");
  expect(init("--print")).toMatchObject({ status: 0, err: "", out: expect.not.stringContaining("sk_live_1") });
  rmSync(join(shop.root, ".env"));
  mkdirSync(join(shop.root, ".env"));
  expect(init("--print")).toMatchObject({ status: 0, err: "" });
});

test("says which kubeconfig migrations need, and what secrets are for", () => {
  shop.commit({
    "compose.yaml":
      "services:\n  link: { build: svc/link, environment: { API_KEY: k } }\n  migrate: { build: svc/link, command: [/app, up], restart: 'no' }\n",
  });
  const { out } = init();
  expect(out).toContain("migrations: { command: [/app, up] }");
  expect(out).toMatch(
    /^ {2}secrets\.kubeconfig: the content of a kubeconfig of a user who may read Jobs, .*: pulumi /m,
  );
  expect(out).toContain("  secrets.api-key: API_KEY of link: pulumi config set ");
  expect(delivery(["ci-config", "--env", "dev"])).toMatchObject({ status: 0, err: "" });
});

test("a Dockerfile and a link to it are one service", () => {
  shop.commit({ "svc/web/Dockerfile.prod": dockerfile });
  symlinkSync("Dockerfile.prod", join(shop.root, "svc/web/Dockerfile"));
  shop.commit({});
  const { out } = init("--print");
  expect(parse(out).config["delivery:app"].services).toBe("svc/*");
  expect(out).toContain("# svc/web/Dockerfile.prod: is the same file as svc/web/Dockerfile");
});

test("what is no stack file, though it has the name of one, is neither read nor replaced", () => {
  mkdirSync(join(own.root, "stacks/Pulumi.dev.yaml"), { recursive: true });
  symlinkSync("nowhere", join(own.root, "stacks/Pulumi.qa.yaml"));
  expect(init()).toMatchObject({
    status: 1,
    err: expect.stringContaining("stacks/Pulumi.dev.yaml is no file; remove it"),
  });
  expect(init("--env", "qa").err).toContain("stacks/Pulumi.qa.yaml is a link that leads to no file; remove it");
  expect(existsSync(join(own.root, "stacks/Pulumi.qa.yaml"))).toBe(false);
});

test("names the file that is no YAML, and a root that is no directory", () => {
  mkdirSync(join(own.root, "stacks"));
  writeFileSync(join(own.root, "stacks/Pulumi.dev.yaml"), "config: [\n");
  expect(init("--check").err).toContain("stacks/Pulumi.dev.yaml: is not YAML: ");
  expect(delivery(["init", "--app", join(shop.root, ".gitignore")])).toMatchObject({
    status: 2,
    err: expect.stringContaining("is no directory"),
  });
  expect(init("--env", "Dev").err).toContain('--env "Dev" must be 1 to 22 lower case letters');
});
