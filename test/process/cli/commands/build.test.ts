import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildService } from "../../../../cli/build/build-images.ts";
import { buildctl } from "../../../../cli/build/builders.ts";
import { command as build } from "../../../../cli/commands/build.ts";
import { registryClient } from "../../../../cli/registry/client.ts";
import { writeDockerConfig } from "../../../../cli/registry/docker-config.ts";
import { initialRecord, recordPath } from "../../../../git/release-record.ts";
import { BareRepository } from "../../../support/bare-repository.ts";
import { eventually } from "../../../support/eventually.ts";
import { artifactStore } from "../../../../cli/registry/artifacts.ts";
import { readProofs } from "../../../../cli/signing/read-proofs.ts";
import { FakeBuilder } from "../../../support/fake-builder.ts";
import { RegistryStandIn } from "../../../support/registry-stand-in.ts";
import { keyPair } from "../../../support/signing.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";
const login = { DOCKERHUB_USERNAME: "robot", DOCKERHUB_PASSWORD: "hunter2" };
const encoded = Buffer.from("robot:hunter2").toString("base64");

/** A program beside the monorepo of a shop with two services. */
let directory: string;
let registry: RegistryStandIn;
let digest: string;
let stack: Readonly<Record<string, unknown>>;
/** JSON is YAML. */
const writeStack = (config: Readonly<Record<string, unknown>>, name = "dev"): void =>
  writeFileSync(join(directory, `stacks/Pulumi.${name}.yaml`), JSON.stringify({ config }));
beforeEach(async () => {
  registry = await RegistryStandIn.start("basic");
  digest = registry.push("acme/shop-link", "anything");
  directory = mkdtempSync(join(tmpdir(), "delivery-build-test-"));
  mkdirSync(join(directory, "stacks"));
  stack = {
    "delivery:schemaVersion": 2,
    "delivery:app": { name: "shop", directory: "shop" },
    "delivery:images": {
      registry: registry.host,
      organization: "acme",
      username: "robot",
      source: "registry",
      tag: "0.2",
    },
    "delivery:github": { repository: "acme/shop", branch: "main" },
  };
  writeStack(stack);
  for (const service of ["link", "user"]) {
    mkdirSync(join(directory, `shop/svc/${service}_service`), { recursive: true });
    writeFileSync(join(directory, `shop/svc/${service}_service/Dockerfile`), "FROM scratch\nEXPOSE 80\n");
  }
});
afterEach(async () => {
  rmSync(directory, { recursive: true });
  await registry[Symbol.asyncDispose]();
});

/** Runs `delivery build` as CI does, with a fake BuildKit's client. */
function start(fake: FakeBuilder, environment: Record<string, string>, args: readonly string[]) {
  return startDelivery(fake, environment, ["build", "--env", "dev", ...args]);
}

function startDelivery(fake: FakeBuilder, environment: Record<string, string>, args: readonly string[]) {
  return spawn(process.execPath, [join(import.meta.dirname, "../../../../cli/delivery.js"), ...args], {
    cwd: directory,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: fake.path,
      HOME: directory,
      TMPDIR: directory,
      BUILDKIT_HOST: "tcp://nowhere:1",
      CIRCLE_SHA1: commit,
      ...environment,
    },
  });
}

function run(fake: FakeBuilder, environment: Record<string, string>, ...args: string[]) {
  return delivery(fake, environment, "build", "--env", "dev", ...args);
}

async function delivery(fake: FakeBuilder, environment: Record<string, string>, ...args: string[]) {
  const child = startDelivery(fake, environment, args);
  const [output, errors, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((done) => child.once("close", done)),
  ]);
  return { status, output, errors };
}

const image = (): string => `${registry.host}/acme/shop-link`;

test("pushes with both tags, and says the digest on standard output and in the file", async () => {
  using fake = new FakeBuilder("buildctl", `echo '#1 building' >&2; built ${digest}`);
  const file = join(directory, "digests.json");
  const ci = { ...login, CIRCLE_BUILD_NUM: "117", CIRCLE_BRANCH: "main" };
  const { status, output, errors } = await run(fake, ci, "--service", "link", "--output", file, "--json");
  expect({ status, output: JSON.parse(output) as unknown }).toEqual({
    status: 0,
    output: {
      images: [
        { service: "link", repository: image(), digest, tags: ["0.2.117", commit], seconds: expect.any(Number) },
      ],
      skipped: [],
    },
  });
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ link: digest });
  expect(errors).toBe("link | #1 building\n");
  expect(fake.calls.join("\n")).toContain(`--export-cache=type=registry,ref=${image()}:buildcache`);
  expect(fake.calls.join("\n")).toContain(`"name=${image()}:0.2.117,${image()}:${commit}",push=true`);
});

test("the password is in a file that only its owner reads, as long as the builds take, and nowhere else", async () => {
  using fake = new FakeBuilder("buildctl", `built ${digest}`);
  const { output, errors } = await run(fake, login, "--service", "link");
  expect(JSON.parse(fake.note("config.json"))).toEqual({ auths: { [registry.host]: { auth: encoded } } });
  expect(fake.note("modes")).toBe("700\n600\n");
  expect(existsSync(fake.note("config-directory").trim())).toBe(false);
  const seen = [...fake.calls, fake.note("environment"), output, errors].join("\n");
  for (const secret of ["hunter2", encoded]) expect(seen).not.toContain(secret);
});

test("a build without a push has the login for pulls only, and no password in its environment", async () => {
  using fake = new FakeBuilder("buildctl", "exit 0");
  const pull = {
    DELIVERY_PULL_USERNAME: "reader",
    DELIVERY_PULL_PASSWORD: "read-only",
    DELIVERY_PULL_REGISTRY: "ghcr.io",
  };
  const { status } = await run(fake, pull, "--service", "link", "--no-push");
  const auth = Buffer.from("reader:read-only").toString("base64");
  expect({ status, config: JSON.parse(fake.note("config.json")) as unknown }).toEqual({
    status: 0,
    config: { auths: { "ghcr.io": { auth } } },
  });
  expect(fake.note("environment")).not.toContain("read-only");
});

describe("where the stack file has keys", () => {
  const keys = keyPair();
  const ci = {
    ...login,
    CIRCLE_BUILD_NUM: "117",
    CIRCLE_BRANCH: "main",
    CIRCLE_BUILD_URL: "https://ci.example/acme/7",
  };
  const signing = { publicKeys: [keys.publicPem] };
  const withSigning = (settings: object): Record<string, unknown> => ({
    ...stack,
    "delivery:images": { ...Object(stack["delivery:images"]), signing: settings },
  });
  beforeEach(() => writeStack(withSigning(signing)));

  test("what is pushed is signed for its repository and commit, and no builder sees the key", async () => {
    using fake = new FakeBuilder("buildctl", `built ${digest}`);
    const { status, output, errors } = await run(
      fake,
      { ...ci, DELIVERY_IMAGE_KEY: keys.privatePem },
      "--service",
      "link",
    );
    expect({ status, errors }).toEqual({
      status: 0,
      errors: expect.stringMatching(/^link \| signed, with SBOM and provenance \(\d+\.\d s\)\n$/),
    });
    for (const seen of [...fake.calls, fake.note("environment"), output, errors])
      expect(seen).not.toContain("PRIVATE KEY");
    const options = { login: async () => ({ username: "robot", password: "hunter2" }) };
    const { statements } = await readProofs(artifactStore(image(), options), digest, [keys.key]);
    expect(statements).toHaveLength(3);
    for (const statement of statements)
      expect(statement).toMatchObject({ repository: image(), commit, tags: ["0.2.117", commit] });
    const predicate = (kind: string): unknown =>
      statements.find(({ predicateType }) => predicateType.includes(kind))?.predicate;
    expect(predicate("cyclonedx")).toMatchObject({
      bomFormat: "CycloneDX",
      metadata: {
        component: { name: image(), version: digest, hashes: [{ alg: "SHA-256", content: digest.slice(7) }] },
      },
    });
    expect(predicate("slsa")).toMatchObject({
      buildDefinition: {
        externalParameters: { service: "link", commit, dockerfile: "svc/link_service/Dockerfile" },
        resolvedDependencies: [{ uri: "git+https://github.com/acme/shop", digest: { gitCommit: commit } }],
      },
      runDetails: {
        builder: { id: "https://ci.example/acme" },
        metadata: { invocationId: "https://ci.example/acme/7" },
      },
    });
  });

  test("its provenance names the repository where GitHub Enterprise has it", async () => {
    const github = { ...Object(stack["delivery:github"]), api: "https://git.acme.example/api/v3" };
    writeStack({ ...withSigning(signing), "delivery:github": github });
    using fake = new FakeBuilder("buildctl", `built ${digest}`);
    await run(fake, { ...ci, DELIVERY_IMAGE_KEY: keys.privatePem }, "--service", "link");
    const options = { login: async () => ({ username: "robot", password: "hunter2" }) };
    const { statements } = await readProofs(artifactStore(image(), options), digest, [keys.key]);
    const source = "https://git.acme.example/acme/shop";
    expect(statements.map(({ predicate }) => Object(predicate).buildDefinition).find(Boolean)).toMatchObject({
      externalParameters: { source },
      resolvedDependencies: [{ uri: `git+${source}` }],
    });
  });

  test("and only that is released and promoted, where it is demanded", async () => {
    using repository = new BareRepository();
    const records = ["dev", "prod"].map((environment) => [recordPath(environment, "link"), initialRecord("link")]);
    repository.commit(Object.fromEntries(records));
    const demanding = withSigning({ ...signing, verify: "signed" });
    writeStack(demanding);
    writeStack({ ...demanding, "delivery:environment": "prod", "delivery:promotion": { from: "dev" } }, "prod");
    using fake = new FakeBuilder("buildctl", `built ${digest}`);
    const at = ["--repository", repository.url];
    const release = ["release", ...at, "--env", "dev", "--service", `link=${digest}`, "--source-commit", commit];
    const before = await delivery(fake, login, ...release);
    expect(before.errors).toContain(`${image()}@${digest} is not signed`);
    expect(before.errors).toContain("stacks/Pulumi.dev.yaml demands it (images.signing.verify); nothing was changed");
    const unverified = await delivery(fake, login, ...release, "--unverified");
    expect(unverified.errors).toContain("--unverified asks nobody, and stacks/Pulumi.dev.yaml demands signed images");
    expect(repository.files()[recordPath("dev", "link")]).toBe(initialRecord("link"));
    await run(
      fake,
      { ...ci, DELIVERY_IMAGE_KEY: Buffer.from(keys.privatePem).toString("base64") },
      "--service",
      "link",
    );
    expect((await delivery(fake, login, ...release)).status).toBe(0);
    const promote = ["promote", ...at, "--to", "prod"];
    expect((await delivery(fake, login, ...promote)).status).toBe(0);
    expect(repository.files()[recordPath("prod", "link")]).toContain(digest);
    // A watcher of the registry passes over what nobody signed.
    const newest = registry.push("acme/shop-link", "0.2.118");
    const watched = await delivery(fake, login, "watch", ...at, "--env", "dev", "--once");
    expect(watched.errors).toContain(`link: ${image()}@${newest} is not signed`);
    expect(repository.files()[recordPath("dev", "link")]).toContain(digest);
    // Whoever may write dev's record cannot say that the image is of another commit.
    const record = repository.files()[recordPath("dev", "link")]?.replaceAll(commit, "f".repeat(40)) ?? "";
    repository.commit({ [recordPath("dev", "link")]: record, [recordPath("prod", "link")]: initialRecord("link") });
    const forged = await delivery(fake, login, ...promote);
    expect(forged.errors).toContain(`is not signed for the commit ${"f".repeat(40)}, but for ${commit}`);
    expect(repository.files()[recordPath("prod", "link")]).toBe(initialRecord("link"));
  });

  test("without the key, or with another, nothing is built", async () => {
    using fake = new FakeBuilder("buildctl", `built ${digest}`);
    const none = await run(fake, ci, "--service", "link");
    const other = await run(fake, { ...ci, DELIVERY_IMAGE_KEY: keyPair().privatePem }, "--service", "link");
    expect([none.status, other.status, fake.calls]).toEqual([1, 1, []]);
    expect(none.errors).toContain(
      "DELIVERY_IMAGE_KEY is not set, and stacks/Pulumi.dev.yaml says that images are signed (images.signing)",
    );
    expect(other.errors).toContain("DELIVERY_IMAGE_KEY is the key to none of images.signing.publicKeys");
  });

  test("what a branch builds, or somebody by hand, needs no key", async () => {
    using fake = new FakeBuilder("buildctl", `built ${digest}`);
    const branch = await run(fake, { ...ci, CIRCLE_BRANCH: "feature" }, "--service", "link");
    const byHand = await run(fake, login, "--service", "link", "--unsigned");
    expect([branch.status, byHand.status]).toEqual([0, 0]);
    expect(registry.requests.filter((request) => request.startsWith("PUT"))).toEqual([]);
  });
});

describe("what makes files for an image", () => {
  const prepare = (command: string): void =>
    writeFileSync(
      join(directory, "shop/svc/link_service/service.yaml"),
      JSON.stringify({ build: { prepare: { command, image: "cimg/openjdk:21.0" } } }),
    );

  test("is run before it in the root of the monorepo, and is given no login", async () => {
    prepare('env >env.txt\necho "$SERVICE in $(basename "$PWD")/$SERVICE_DIRECTORY" >made.txt; echo one | cat >&2');
    using fake = new FakeBuilder("buildctl", `cat "${directory}/shop/made.txt" >&2; built ${digest}`);
    const { status, errors } = await run(
      fake,
      { ...login, DELIVERY_PULL_USERNAME: "a", DELIVERY_PULL_PASSWORD: "pull-only" },
      "--service",
      "link",
    );
    expect({ status, calls: fake.calls.length }).toEqual({ status: 0, calls: 1 });
    expect(errors).toMatch(/^── link: env >env.txt\n.*\nlink \| one\n/);
    expect(errors).toContain("link | link in shop/svc/link_service\n");
    const environment = readFileSync(join(directory, "shop/env.txt"), "utf8");
    expect(environment).toContain("SERVICE_DIRECTORY=svc/link_service\n");
    expect(environment).not.toMatch(/hunter2|pull-only/);
  });

  test("fails the build where it fails, and nothing is built", async () => {
    prepare("false | cat\ntouch made.txt");
    using fake = new FakeBuilder("buildctl", `built ${digest}`);
    const { status, errors } = await run(fake, login, "--all");
    expect({ status, calls: fake.calls, made: existsSync(join(directory, "shop/made.txt")) }).toEqual({
      status: 1,
      calls: [],
      made: false,
    });
    expect(errors).toMatch(/\nerror: link: build.prepare failed: exit status 1\n$/);
  });

  test("is not run again where that is said, nor for other services", async () => {
    prepare("exit 1");
    using fake = new FakeBuilder("buildctl", "exit 0");
    expect(await run(fake, {}, "--service", "link", "--no-push", "--prepared")).toMatchObject({ status: 0 });
    expect(await run(fake, {}, "--service", "user", "--no-push")).toMatchObject({ status: 0 });
    expect(await run(fake, {}, "--service", "link", "--no-push")).toMatchObject({ status: 1 });
  });
});

test.each<[environment: Record<string, string>, message: string]>([
  [{ DELIVERY_PULL_USERNAME: "reader" }, "DELIVERY_PULL_PASSWORD is not set, but DELIVERY_PULL_USERNAME is"],
  [{ DELIVERY_PULL_PASSWORD: "x" }, "DELIVERY_PULL_USERNAME is not set, but DELIVERY_PULL_PASSWORD is"],
  [
    { DELIVERY_PULL_USERNAME: "a", DELIVERY_PULL_PASSWORD: "x", DELIVERY_PULL_REGISTRY: "https://ghcr.io" },
    'DELIVERY_PULL_REGISTRY="https://ghcr.io": must be a registry as image names have it',
  ],
])("a part of a login for pulls is refused: %j", async (environment, message) => {
  using fake = new FakeBuilder("buildctl", "exit 0");
  const { status, errors } = await run(fake, environment, "--service", "link", "--no-push");
  expect(status).toBe(1);
  expect(errors).toContain(message);
  expect(fake.calls).toEqual([]);
});

test("what may pass by itself is tried again", async () => {
  using fake = new FakeBuilder(
    "buildctl",
    `[ $attempt = 1 ] && { echo 'error: failed to solve: failed to push x: 503 Service Unavailable' >&2; exit 1; }
built ${digest}`,
  );
  const { status, errors } = await run(fake, login, "--service", "link");
  expect(errors).toContain("link | attempt 1 of 4 failed, the next one is in 1 s: failed to push x: 503");
  expect({ status, calls: fake.calls.length }).toEqual({ status: 0, calls: 2 });
});

test("gives up at last, with the image and the registry", async () => {
  using fake = new FakeBuilder("buildctl", `echo 'error: failed to push x: connect: connection refused' >&2; exit 1`);
  const tried = buildService(
    {
      service: "link",
      repository: image(),
      tags: [commit],
      context: "/shop",
      dockerfile: "/shop/svc/link_service/Dockerfile",
      platforms: ["linux/amd64"],
      push: true,
    },
    {
      builder: buildctl(""),
      environment: { PATH: fake.path },
      registry: registryClient({ login: () => Promise.resolve(undefined) }),
      note: () => undefined,
      signal: new AbortController().signal,
      pauses: [1, 2],
    },
  );
  await expect(tried).rejects.toThrow(
    `${image()} is not pushed: the registry ${registry.host} cannot be reached or stumbles, tried 3 times`,
  );
  expect(fake.calls).toHaveLength(3);
});

test("one that fails does not stop the other, and no file is written", async () => {
  using fake = new FakeBuilder(
    "buildctl",
    `[ $service = user ] && { echo 'error: failed to solve: process "false" did not complete' >&2; exit 1; }
built ${digest}`,
  );
  const file = join(directory, "digests.json");
  const { status, output, errors } = await run(fake, login, "--all", "--output", file);
  expect({ status, output }).toEqual({ status: 1, output: "" });
  expect(fake.calls).toHaveLength(2);
  expect(errors).toMatch(/\nerror: \S+shop-user is not built from \S+user_service\/Dockerfile: process "false" did/);
  expect(existsSync(file)).toBe(false);
});

test("a digest that the registry does not have is none", async () => {
  const other = `sha256:${"1".repeat(64)}`;
  using fake = new FakeBuilder("buildctl", `built ${other}`);
  const { status, errors } = await run(fake, login, "--service", "link");
  expect(status).toBe(1);
  expect(errors).toContain(`${image()}@${other} is pushed, but the registry does not have it`);
});

test("a signal ends the builder, and the password's file goes", async () => {
  using fake = new FakeBuilder(
    "buildctl",
    `trap 'echo ended >"$notes/ended"; exit 1' TERM; echo begun >"$notes/begun"; while :; do sleep 0.05; done`,
  );
  const file = join(directory, "digests.json");
  const child = start(fake, login, ["--service", "link", "--output", file]);
  const errors = text(child.stderr);
  const closed = new Promise((done) => child.once("close", done));
  await eventually("the builder works", () => Promise.resolve(fake.note("begun") !== ""));
  child.kill("SIGTERM");
  expect(await closed).toBe(1);
  expect(fake.note("ended")).toBe("ended\n");
  expect(await errors).toMatch(/error: stopped; images may be pushed already, but no digest is written\n$/);
  expect(existsSync(fake.note("config-directory").trim())).toBe(false);
  expect(existsSync(file)).toBe(false);
});

test("the password's file goes also when nobody reads what the command says any more", async () => {
  using fake = new FakeBuilder("buildctl", `while :; do echo '#1 building' >&2; sleep 0.05; done`);
  const child = start(fake, login, ["--service", "link"]);
  await eventually("the builder works", () => Promise.resolve(fake.note("config-directory") !== ""));
  child.stderr.destroy();
  await new Promise((done) => child.once("close", done));
  expect(existsSync(fake.note("config-directory").trim())).toBe(false);
});

test("without a push there is neither login nor tag nor digest", async () => {
  using fake = new FakeBuilder("buildctl", "");
  const { status, output } = await run(fake, {}, "--service", "link", "--no-push", "--json");
  expect({ status, output: JSON.parse(output) as unknown }).toEqual({
    status: 0,
    output: {
      images: [{ service: "link", repository: image(), digest: null, tags: [], seconds: expect.any(Number) }],
      skipped: [],
    },
  });
  expect(fake.calls.join("\n")).not.toMatch(/--output|--export-cache/);
  expect(fake.note("config-directory")).toBe("");
});

test("the image of a branch has the commit's tag only, so that no watcher releases it, and leaves no layers for those of others", async () => {
  using fake = new FakeBuilder("buildctl", `built ${digest}`);
  const ci = { ...login, CIRCLE_BUILD_NUM: "117", CIRCLE_BRANCH: "new-colours" };
  const { output } = await run(fake, ci, "--service", "link");
  expect(output).toMatch(new RegExp(`^link: .*@${digest}, tags ${commit} \\(`));
  expect(fake.calls.join("\n")).toContain("--import-cache=");
  expect(fake.calls.join("\n")).not.toContain("--export-cache=");
});

test("builds with Docker where there is no BUILDKIT_HOST", async () => {
  using fake = new FakeBuilder("docker", `built ${digest}`);
  const { status } = await run(fake, { ...login, BUILDKIT_HOST: "" }, "--service", "link");
  expect(status).toBe(0);
  expect(fake.calls).toEqual([expect.stringMatching(/^buildx build .*--cache-to=type=inline .*\/link_service$/)]);
});

test("nothing to build is a success with no digests", async () => {
  using fake = new FakeBuilder("buildctl", "exit 1");
  const git = (...args: string[]): Promise<unknown> => {
    const who = ["-c", "user.name=x", "-c", "user.email=x@localhost"];
    return new Promise((done) => spawn("git", [...who, ...args], { cwd: directory }).once("close", done));
  };
  await git("init", "--quiet");
  await git("add", ".");
  await git("commit", "--quiet", "--message=all");
  const file = join(directory, "digests.json");
  const { output } = await run(fake, {}, "--from", "HEAD", "--output", file);
  expect(output).toBe("nothing to build\n");
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({});
  writeFileSync(join(directory, "shop/svc/user_service/Dockerfile"), "FROM scratch\nEXPOSE 81\n");
  await git("commit", "--quiet", "--all", "--message=user");
  await run(fake, {}, "--from", "HEAD^", "--no-push");
  expect(fake.calls).toEqual([expect.stringContaining("/svc/user_service")]);
});

test("the user's own settings of Docker stay; a store that would hide the login serves the other registries alone", async () => {
  const own = join(directory, "docker");
  mkdirSync(join(own, "contexts"), { recursive: true });
  writeFileSync(join(own, "contexts", "remote"), "somewhere");
  const settings = { currentContext: "remote", credsStore: "desktop", auths: { "ghcr.io": { auth: "eDp5" } } };
  writeFileSync(join(own, "config.json"), JSON.stringify(settings));
  const robot = { username: "robot", password: "hunter2" };
  using config = writeDockerConfig([{ host: "docker.io", login: robot }], { DOCKER_CONFIG: own });
  expect(JSON.parse(readFileSync(join(config.path, "config.json"), "utf8"))).toEqual({
    currentContext: "remote",
    auths: { "ghcr.io": { auth: "eDp5" }, "https://index.docker.io/v1/": { auth: encoded } },
    credHelpers: { "ghcr.io": "desktop" },
  });
  expect(readFileSync(join(config.path, "contexts", "remote"), "utf8")).toBe("somewhere");
});

test.each<[fault: string, args: string[], reason: RegExp]>([
  ["no environment", ["--all"], /--env is missing/],
  ["nothing to build", ["--env", "sandbox"], /say what to build: --service NAME, --from COMMIT, or --all/],
  ["two ways to say it", ["--env", "sandbox", "--all", "--service", "link"], /say what to build/],
  ["an end without a start", ["--env", "sandbox", "--all", "--to", "HEAD"], /--to needs --from/],
  [
    "an unknown service",
    ["--env", "sandbox", "--service", "lnk"],
    /there is no service "lnk" in .*: there are api-gat/,
  ],
  ["an unknown environment", ["--env", "moon", "--all"], /there is no stacks\/Pulumi\.moon\.yaml/],
  ["an unknown builder", ["--env", "sandbox", "--all", "--builder", "kaniko"], /"kaniko": must be buildctl or buildx/],
  ["no number", ["--env", "sandbox", "--all", "--build-number", "v7"], /--build-number "v7": must be a whole number/],
  ["none at once", ["--env", "sandbox", "--all", "--concurrency", "0"], /"0": must be a number from 1 to 99/],
  ["digests without a push", ["--env", "sandbox", "--all", "--no-push", "--output", "x"], /--output needs a push/],
])("refuses %s", async (_fault, args, reason) => {
  const nobody = { print: () => undefined, note: () => undefined, input: () => Promise.resolve("") };
  const { signal } = new AbortController();
  await expect(build.run(args, { environment: {}, signal, ...nobody })).rejects.toThrow(reason);
});

describe("a secret that a build takes", () => {
  const value = "the-token-of-npm-4711";
  const secret = { DELIVERY_BUILD_SECRET_NPM_TOKEN: value, DELIVERY_BUILD_SECRET_OTHER: "of-another-service" };
  beforeEach(() => {
    const service = join(directory, "shop/svc/link_service");
    writeFileSync(join(service, "Dockerfile"), "FROM x\nRUN --mount=type=secret,id=npm_token npm ci\nEXPOSE 80\n");
    const prepare = `env >${directory}/prepare-environment`;
    writeFileSync(
      join(service, "service.yaml"),
      JSON.stringify({ build: { prepare, secrets: { npm_token: "npm-token" } } }),
    );
  });

  test("is in the environment of that service's builder, and nowhere else", async () => {
    using fake = new FakeBuilder(
      "buildctl",
      `[ $service = link ] && echo "+ echo ${value}" >&2\nenv >"$notes/environment-$service"\nbuilt ${digest}`,
    );
    registry.push("acme/shop-user", "anything");
    const file = join(directory, "digests.json");
    const { status, output, errors } = await run(fake, { ...login, ...secret }, "--all", "--output", file, "--json");
    expect(status).toBe(0);
    expect(fake.note("environment-link")).toContain(`DELIVERY_BUILD_SECRET_NPM_TOKEN=${value}`);
    expect(fake.note("environment-link")).not.toContain("of-another-service");
    expect(fake.note("environment-user")).not.toContain("DELIVERY_BUILD_SECRET");
    expect(fake.calls.join("\n")).toContain("--secret=id=npm_token,type=env,env=DELIVERY_BUILD_SECRET_NPM_TOKEN");
    expect(errors).toContain("link | + echo [secret]");
    const prepared = readFileSync(join(directory, "prepare-environment"), "utf8");
    const everything = [
      output,
      errors,
      prepared,
      fake.calls.join("\n"),
      fake.note("config.json"),
      readFileSync(file, "utf8"),
    ];
    expect(everything.join("\n")).not.toMatch(/4711|of-another-service/);
  });

  test("is left out of the reason why a build failed", async () => {
    using fake = new FakeBuilder(
      "buildctl",
      `printf ' > [2/2] RUN x:\\n0.1 token ${value}\\nerror: failed to solve: process "x" did not complete\\n' >&2; exit 1`,
    );
    const { status, errors } = await run(fake, { ...login, ...secret }, "--service", "link");
    expect(status).toBe(1);
    expect(errors).toContain("0.1 token [secret]");
    expect(errors).not.toContain(value);
  });

  test("that is not there lets nothing be pushed", async () => {
    using fake = new FakeBuilder("buildctl", `built ${digest}`);
    const { status, output, errors } = await run(fake, { ...login, DELIVERY_BUILD_SECRET_NPM_TOKEN: "" }, "--all");
    expect({ status, output, calls: fake.calls }).toEqual({ status: 1, output: "", calls: [] });
    expect(errors).toContain(
      "link is not built: its build takes the secret npm_token, and DELIVERY_BUILD_SECRET_NPM_TOKEN is not set",
    );
  });

  test("that a pull request does not have leaves the service out, aloud", async () => {
    using fake = new FakeBuilder("buildctl", "");
    const { status, output } = await run(fake, {}, "--all", "--no-push");
    expect(status).toBe(0);
    expect(output).toContain(
      "link: NOT built: its build takes the secret npm_token, and DELIVERY_BUILD_SECRET_NPM_TOKEN is not set; pull requests get no secrets, and it is built when it is merged",
    );
    expect(output).toMatch(/^user: built, not pushed/m);
    expect(fake.calls).toHaveLength(1);
    expect(existsSync(join(directory, "prepare-environment"))).toBe(false);
    const { output: json } = await run(fake, {}, "--service", "link", "--no-push", "--json");
    expect(JSON.parse(json)).toEqual({
      images: [],
      skipped: [{ service: "link", reason: expect.stringContaining("npm_token") }],
    });
  });

  test("that only the Dockerfile asks for has a reason that says where to name it", async () => {
    rmSync(join(directory, "shop/svc/link_service/service.yaml"));
    using fake = new FakeBuilder("buildctl", `echo 'error: failed to solve: secret npm_token: not found' >&2; exit 1`);
    const { errors } = await run(fake, login, "--service", "link");
    expect(errors).toMatch(
      /link is not built: a step of \S+ needs the secret npm_token, which nobody gives; name a secret of the stack in `build\.secrets\.npm_token`/,
    );
  });
});
