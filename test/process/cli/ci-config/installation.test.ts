import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { text } from "node:stream/consumers";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ReusableCommand } from "../../../../circleci/schema.ts";
import { setupConfiguration } from "../../../../cli/ci-config/circleci/configuration.ts";
import { render } from "../../../../cli/ci-config/generated-files.ts";
import { prepareCommand, pulumiCommand } from "../../../../cli/ci-config/circleci/steps.ts";
import { installedVariable } from "../../../../cli/ci-config/installation.ts";
import { CircleCiHarness, ended } from "../../../support/circleci-harness.ts";
import { lockFile, NpmRegistry, tarballOf } from "../../../support/npm-registry.ts";
import { samplePipeline } from "../../../support/sample-pipeline.ts";

const good = { "index.js": "console.log('good')" };
const evil = { "index.js": "console.log('evil')" };

let root: string;
let registry: NpmRegistry;
/** The hash of package `a` in the lock file. */
let integrity: string;

beforeEach(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "installation-")));
  registry = await NpmRegistry.start();
  integrity = registry.publish("a", good);
  for (const [path, content] of Object.entries(programFiles())) write(`project/${path}`, content);
  write("bash-env", "");
});
afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

/** A program whose CLI runs package `a`. */
function programFiles(): Record<string, string> {
  const { manifest, lock } = lockFile({ a: integrity });
  return {
    "package.json": manifest,
    "package-lock.json": lock,
    ".npmrc": `registry=${registry.url}/\nomit-lockfile-registry-resolved=true\n`,
    "sdks/circleci/index.ts": "",
    "cli/delivery.js": 'console.log(process.argv.slice(2)); require("a");\n',
  };
}

function write(path: string, content: string | Buffer): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

function has(path: string): boolean {
  return existsSync(join(root, path));
}

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script as a step of a job does. The registry is of this process, so that nothing here may wait for the script. */
async function bash(command: string, variables: Record<string, string> = {}, cwd = "project"): Promise<Ended> {
  const env = { PATH: process.env["PATH"], HOME: join(root, "home"), BASH_ENV: join(root, "bash-env"), ...variables };
  const child = spawn("bash", ["-eo", "pipefail", "-c", command], {
    cwd: join(root, cwd),
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const status = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { status: await status, stdout, stderr };
}

/** The script of the last step. */
function scriptOf({ steps }: ReusableCommand): string {
  const step = steps.at(-1);
  return typeof step === "object" && "run" in step ? String(step.run["command"]) : "";
}

const install = scriptOf(prepareCommand({ program: "." }));

describe("delivery is installed", () => {
  test("from the lock file, and is a command of all later steps, with arguments as they are", async () => {
    expect(await bash(install)).toMatchObject({ status: 0 });
    expect(await bash('delivery "a b"', {}, ".")).toMatchObject({ status: 0, stdout: "[ 'a b' ]\ngood\n" });
  });

  test("in a directory whose name is several words", async () => {
    for (const [path, content] of Object.entries(programFiles())) write(`project/my tools/${path}`, content);
    expect(await bash(scriptOf(prepareCommand({ program: "my tools" })))).toMatchObject({ status: 0 });
    expect(await bash("delivery", {}, ".")).toMatchObject({ status: 0, stdout: "[]\ngood\n" });
  });

  test("without running any script of a package, or of the program", async () => {
    const { manifest, lock } = lockFile({
      a: integrity,
      b: registry.publish("b", {}, { preinstall: "touch ../../ran", postinstall: "touch ../../ran" }),
    });
    write("project/package.json", manifest);
    write("project/package-lock.json", lock);
    expect(await bash(install)).toMatchObject({ status: 0 });
    expect([has("project/node_modules/b"), has("project/ran"), has("project/prepared")]).toEqual([true, false, false]);
  });

  test("anew where the checkout has node_modules already", async () => {
    write("project/node_modules/a/index.js", evil["index.js"]);
    expect(await bash(install)).toMatchObject({ status: 0 });
    expect((await bash("delivery")).stdout).toBe("[]\ngood\n");
  });

  test("not where the registry has another package of that version", async () => {
    registry.publish("a", evil);
    const { status, stderr } = await bash(install);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/EINTEGRITY/)]);
    expect(has("project/node_modules/a")).toBe(false);
  });
});

describe("npm's own cache", () => {
  /** Puts another package into the file that holds `a`. */
  const poison = (): void => {
    const hash = Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex");
    const [, one = "", two = "", rest = ""] = /^(..)(..)(.*)$/.exec(hash) ?? [];
    const file = join(root, "home/.npm/_cacache/content-v2/sha512", one, two, rest);
    chmodSync(file, 0o600);
    writeFileSync(file, tarballOf({ ...evil, "package.json": '{"name":"a","version":"1.0.0"}' }));
  };

  test.each(["prefer_offline", "offline"])(
    "is believed only for what fits the lock file: with %s, a package that was replaced there is installed by no job",
    async (mode) => {
      const variables = { [`npm_config_${mode}`]: "true" };
      expect(await bash(install)).toMatchObject({ status: 0 });
      expect(await bash(install, variables)).toMatchObject({ status: 0 });
      expect(registry.fetched).toEqual(["a"]);
      poison();
      const { status, stderr } = await bash(install, variables);
      expect(stderr).toContain("seems to be corrupted");
      // npm fetches it again, or fails.
      const installed = (await bash("cat node_modules/a/index.js")).stdout;
      expect([status === 0, installed]).toEqual(status === 0 ? [true, good["index.js"]] : [false, ""]);
    },
  );
});

describe("packages that the image of the jobs has", () => {
  const fromImage = { "index.js": "console.log('from the image')" };
  beforeEach(() => {
    for (const path of ["package-lock.json", "sdks/circleci/index.ts"])
      write(`image/${path}`, readFileSync(join(root, "project", path)));
    write("image/sdks/circleci/bin/index.js", "");
    // npm has put links there.
    write("image/sdks/circleci/node_modules/.bin/pulumi", "");
    write("image/node_modules/a/index.js", fromImage["index.js"]);
    write("image/node_modules/.package-lock.json", "");
  });
  const variables = (): Record<string, string> => ({ [installedVariable]: join(root, "image") });

  test("are taken where they are those of the lock file, and nothing is fetched", async () => {
    write("project/node_modules/a/index.js", evil["index.js"]);
    expect(await bash(install, variables())).toEqual({ status: 0, stdout: "", stderr: "" });
    expect((await bash("delivery")).stdout).toBe("[]\nfrom the image\n");
    expect(registry.fetched).toEqual([]);
  });

  test.each(["package-lock.json", "sdks/circleci/index.ts"])("are left where %s is another one", async (path) => {
    write(`image/${path}`, "{}");
    expect(await bash(install, variables())).toMatchObject({ status: 0 });
    expect((await bash("delivery")).stdout).toBe("[]\ngood\n");
  });
});

describe("Pulumi", () => {
  const archive = (): Buffer => {
    write("archive/pulumi/pulumi", "#!/bin/sh\necho ran\n");
    chmodSync(join(root, "archive/pulumi/pulumi"), 0o755);
    return readFileSync(packed());
  };
  const packed = (): string => {
    const file = join(root, "pulumi.tar.gz");
    // The same archive each time it is made.
    const { status } = spawnTar(file);
    expect(status).toBe(0);
    return file;
  };
  const spawnTar = (file: string) => spawnSync("tar", ["-czf", file, "-C", join(root, "archive"), "pulumi"]);

  /** Steps whose `curl` has this archive, in an image without Pulumi. */
  const withArchive = (content: Buffer): Record<string, string> => {
    write("downloaded", content);
    write(
      "bin/curl",
      `#!/bin/sh\nwhile [ "$1" != --output ]; do shift; done\necho "$3" >>"${root}/asked"\ncp "${root}/downloaded" "$2"\n`,
    );
    chmodSync(join(root, "bin/curl"), 0o755);
    return { PATH: `${join(root, "bin")}:/usr/bin:/bin` };
  };
  const scriptFor = (content: Buffer): string => {
    const sha256 = createHash("sha256").update(content).digest("hex");
    const release = {
      version: "3.0.0",
      archives: { x86_64: { platform: "linux-x64", sha256 }, aarch64: { platform: "linux-arm64", sha256 } },
    };
    return scriptOf(pulumiCommand({ program: "." }, release));
  };
  beforeEach(() => write("project/node_modules/@pulumi/circleci/bin/index.js", ""));

  test("is installed where the image has none, from the archive whose hash is written", async () => {
    const content = archive();
    expect(await bash(scriptFor(content), withArchive(content))).toMatchObject({ status: 0, stderr: "" });
    expect(readFileSync(join(root, "asked"), "utf8")).toMatch(
      /^https:\/\/get\.pulumi\.com\/releases\/sdk\/pulumi-v3\.0\.0-linux-(x64|arm64)\.tar\.gz\n$/,
    );
    expect(await bash("pulumi", { PATH: "/usr/bin:/bin" })).toMatchObject({ status: 0, stdout: "ran\n" });
  });

  test("is not unpacked where the archive is another one", async () => {
    const { status, stderr } = await bash(scriptOf(pulumiCommand({ program: "." })), withArchive(archive()));
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(
        /^pulumi-v3\.255\.0-linux-\w+\.tar\.gz as downloaded does not have the SHA-256 that is pinned/,
      ),
    ]);
    expect(has("home/.pulumi")).toBe(false);
  });

  test("of the image is used as it is, and nothing is fetched", async () => {
    const variables = withArchive(archive());
    write("bin/pulumi", "#!/bin/sh\n");
    chmodSync(join(root, "bin/pulumi"), 0o755);
    expect(await bash(scriptFor(Buffer.from("")), variables)).toMatchObject({ status: 0 });
    expect(has("asked")).toBe(false);
  });

  test("comes with the SDK of CircleCI's provider, compiled by the program's own script alone", async () => {
    rmSync(join(root, "project/node_modules"), { recursive: true });
    write("bin/pulumi", "#!/bin/sh\n");
    chmodSync(join(root, "bin/pulumi"), 0o755);
    const path = { PATH: `${join(root, "bin")}:${process.env["PATH"] ?? ""}` };
    expect(await bash(scriptOf(pulumiCommand({ program: "." })), path)).toMatchObject({ status: 0 });
    expect(has("project/prepared")).toBe(true);
  });
});

test("what a branch has saved under any key, and for any path, reaches no job of the generated pipeline", async () => {
  const image = { PATH: process.env["PATH"] ?? "", npm_config_registry: `${registry.url}/` };
  await using harness = await CircleCiHarness.create({ jobs: { imageEnvironment: () => image } });
  const keys = ['delivery-v1-{{ arch }}-{{ checksum "package-lock.json" }}', "delivery-"];
  const poison = `mkdir -p node_modules/a cli; for file in node_modules/a/index.js cli/delivery.js ~/.bashrc; do echo "console.log('evil')" >$file; done`;
  const saved = keys.map((key) => `{ save_cache: { key: '${key}', paths: [node_modules, cli, ~/.bashrc] } }`);
  const [attack = ""] = await harness.push(
    `version: 2.1\njobs:\n  test:\n    docker: [{ image: cimg/base:current }]\n    steps: [checkout, { run: ${JSON.stringify(poison)} }, ${saved.join(", ")}]\nworkflows:\n  main:\n    jobs: [test]\n`,
    { branch: "attack", files: programFiles() },
  );
  expect(await ended(harness, attack)).toBe("success");
  expect(await harness.log(attack, "test")).toContain("Stored cache to delivery-v1-");

  await harness.context("shop-read", { TOKEN: "of-pull-requests" });
  const [pipeline = ""] = await harness.push(render(setupConfiguration(samplePipeline), ""), { files: programFiles() });
  // The program's CLI is one that continues no pipeline.
  expect(await ended(harness, pipeline)).toBe("success");
  const log = await harness.log(pipeline, "plan");
  expect(log).toContain("\ngood\n");
  expect(log).not.toContain("evil");

  // The cache is there for whoever asks for it.
  const restore = `{ restore_cache: { keys: ['${keys[0]}'] } }`;
  const [victim = ""] = await harness.push(
    `version: 2.1\njobs:\n  test:\n    docker: [{ image: cimg/base:current }]\n    steps: [checkout, ${restore}, { run: node cli/delivery.js }]\nworkflows:\n  main:\n    jobs: [test]\n`,
    { files: programFiles() },
  );
  await ended(harness, victim);
  expect(await harness.log(victim, "test")).toContain("evil");
});
