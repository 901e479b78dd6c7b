import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Command } from "../../../../cli/command.ts";
import { command as release } from "../../../../cli/commands/release.ts";
import { initialRecord, recordPath } from "../../../../git/release-record.ts";
import { CommandHarness } from "../../../support/command-harness.ts";

let harness: CommandHarness;
let repository: CommandHarness["repository"];
let registry: CommandHarness["registry"];
const one = `sha256:${"1".repeat(64)}`;
const two = `sha256:${"2".repeat(64)}`;
const three = `sha256:${"3".repeat(64)}`;

beforeEach(async () => {
  harness = await CommandHarness.start();
  ({ repository, registry } = harness);
});
afterEach(() => harness[Symbol.asyncDispose]());

const images = (): string => `${registry.host}/acme/shop`;
const imageOf = (service: string): string => `${images()}-${service}`;
const run = (command: Command, ...args: string[]): Promise<string> =>
  harness.run(command, args, { input: async () => JSON.stringify({ user: two }) });
const record = (environment: string, service: string): string | undefined => harness.record(environment, service);
const pinned = (
  service: string,
  digest: string,
  rejected?: string,
  sourceCommit?: string,
  rejectedSource?: string,
): string =>
  harness.pinned(
    service,
    digest,
    rejected === undefined ? undefined : { digest: rejected, sourceCommit: rejectedSource },
    sourceCommit,
  );
const deploymentOf = (image: string): string =>
  `kind: Deployment\nspec: {template: {spec: {containers: [{name: link, image: "${image}"}]}}}\n`;
const source = "0123456789abcdef0123456789abcdef01234567";
const laterSource = "89abcdef0123456789abcdef0123456789abcdef";

describe("release", () => {
  test("pins the digests by one commit that says so", async () => {
    const digest = registry.push("acme/shop-link", "0.2.1");
    expect(await run(release, "--env", "dev", "--service", `link=${digest}`, "--source-commit", source)).toContain(
      `dev: link (nothing) → ${digest.slice(0, 19)}`,
    );
    expect(record("dev", "link")).toBe(pinned("link", digest, undefined, source));
    expect(repository.git("log", "-1", "--format=%B")).toBe(
      `release(dev): link ${digest.slice(0, 19)}\n\nService: link\nDigest: ${digest}\nSource-Commit: ${source}`,
    );
    expect(repository.git("log", "-1", "--format=%(trailers:key=Digest,valueonly)")).toBe(digest);
    expect(record("dev", "user")).toBe(initialRecord("user"));
  });

  test("writes the name of the image as the manifests have it, which is another to kustomize", async () => {
    repository.commit({ "dev/link/deployment.yaml": deploymentOf("index.docker.io/acme/shop-link:1.2") });
    await run(release, "--env", "dev", "--service", `link=${one}`, "--images", "acme/shop", "--unverified");
    expect(record("dev", "link")).toContain(`name: "index.docker.io/acme/shop-link"`);
  });

  test("a record that would change nothing is refused, and so are all others of its command", async () => {
    repository.commit({ "dev/link/deployment.yaml": deploymentOf("docker.io/acme/shop-web@sha256:00") });
    const refused = run(
      release,
      "--env",
      "dev",
      "--service",
      `link=${one}`,
      "--service",
      `user=${two}`,
      "--unverified",
    );
    await expect(refused).rejects.toThrow(
      `dev/link runs docker.io/acme/shop-web, and a record of ${imageOf("link")} would change nothing there\nGive --images with what the manifests have`,
    );
    expect([record("dev", "link"), record("dev", "user")]).toEqual([initialRecord("link"), initialRecord("user")]);
  });

  test("says what it did as JSON, and commits nothing the second time", async () => {
    const args = ["--env", "dev", "--service", `link=${one}`, "--unverified", "--json"];
    expect(JSON.parse(await run(release, ...args))).toEqual({
      environment: "dev",
      changed: true,
      commit: repository.git("rev-parse", "main"),
      retries: 0,
      services: [{ service: "link", repository: imageOf("link"), digest: one, previous: null }],
      undeclared: [],
    });
    expect(JSON.parse(await run(release, ...args))).toEqual({
      environment: "dev",
      changed: false,
      commit: repository.git("rev-parse", "main"),
      retries: 0,
      services: [],
      undeclared: [],
    });
    expect(repository.subjects()).toHaveLength(2);
  });

  test("notes which newer commit makes the same image, and calls nothing changed", async () => {
    const args = ["--env", "dev", "--service", `link=${one}`, "--unverified", "--source-commit"];
    await run(release, ...args, source);
    expect(await run(release, ...args, laterSource)).toMatch(
      `dev: link stays ${one.slice(0, 19)}, which ${laterSource} makes, too\ncommit `,
    );
    expect(record("dev", "link")).toBe(pinned("link", one, undefined, laterSource));
    expect(JSON.parse(await run(release, ...args, source, "--json"))).toMatchObject({ changed: false, services: [] });
    expect(record("dev", "link")).toBe(pinned("link", one, undefined, source));
    await run(release, ...args, source);
    expect(repository.subjects()).toHaveLength(4);
  });

  test("keeps the digest rejected that a rollback took away when it notes a newer commit, which then counts", async () => {
    repository.commit({ [recordPath("dev", "link")]: pinned("link", one, two, source, "0123456") });
    await run(release, "--env", "dev", "--service", `link=${one}`, "--unverified", "--source-commit", laterSource);
    expect(record("dev", "link")).toBe(pinned("link", one, two, laterSource));
  });

  test("leaves a service rolled back, unless it is told to by hand or there is a newer commit", async () => {
    const back = pinned("link", one, two, source, laterSource);
    repository.commit({ [recordPath("dev", "link")]: back });
    const args = ["--env", "dev", "--unverified", "--service"];
    await run(release, ...args, `link=${two}`, "--source-commit", laterSource);
    await run(release, ...args, `link=${three}`, "--source-commit", laterSource);
    expect(record("dev", "link")).toBe(back);
    await run(release, ...args, `link=${two}`);
    expect(record("dev", "link")).toBe(pinned("link", two));
    repository.commit({ [recordPath("dev", "link")]: back });
    const fix = "fedcba9876543210fedcba9876543210fedcba98";
    await run(release, ...args, `link=${three}`, "--source-commit", fix);
    expect(record("dev", "link")).toBe(pinned("link", three, undefined, fix));
  });

  test("takes the digests of all files in a directory, and refuses a service that is in two of them", async () => {
    const directory = join(repository.directory, "digests");
    mkdirSync(directory);
    writeFileSync(join(directory, "link.json"), JSON.stringify({ link: one }));
    writeFileSync(join(directory, "user.json"), JSON.stringify({ user: two }));
    await run(release, "--env", "dev", "--digests", directory, "--unverified");
    expect(record("dev", "link")).toBe(pinned("link", one));
    expect(record("dev", "user")).toBe(pinned("user", two));
    writeFileSync(join(directory, "again.json"), JSON.stringify({ user: one }));
    await expect(run(release, "--env", "dev", "--digests", directory, "--unverified")).rejects.toThrow(
      /^user is in .*(again|user)\.json and in .*(again|user)\.json; one digest can run/,
    );
  });

  test("takes digests from a file and from standard input", async () => {
    const file = join(repository.directory, "digests.json");
    writeFileSync(file, JSON.stringify({ link: one, user: one }));
    await run(release, "--env", "dev", "--digests", file, "--unverified");
    expect(record("dev", "link")).toBe(pinned("link", one));
    await run(release, "--env", "dev", "--digests", "-", "--unverified");
    expect(record("dev", "user")).toBe(pinned("user", two));
  });

  test.each<[fault: string, args: string[], reason: RegExp]>([
    [
      "a digest that the registry does not have",
      ["--env", "dev", "--service", `link=${one}`],
      /the registry does not have 127.*shop-link@sha256:1+; push first, or give --unverified/,
    ],
    [
      "a service that the environment does not have",
      ["--env", "dev", "--service", `lnk=${one}`, "--unverified"],
      /dev has no service "lnk": dev\/ on branch main of file:.* has link, user; run `pulumi up` first, or give --new/,
    ],
    [
      "an environment that is not there",
      ["--env", "prod", "--service", `link=${one}`, "--unverified"],
      /prod has no service "link".*has no service at all/,
    ],
    ["a tag", ["--env", "dev", "--service", "link=0.2"], /--service "link=0\.2": the digest must be sha256:/],
    ["no digest", ["--env", "dev", "--service", "link"], /the digest must be/],
    [
      "a service twice",
      ["--env", "dev", "--service", `link=${one}`, "--service", `link=${two}`],
      /link is named twice/,
    ],
    ["nothing", ["--env", "dev"], /nothing to release; give --service NAME=DIGEST or --digests FILE/],
    ["no environment", ["--service", `link=${one}`], /--env is missing/],
    ["a path for an environment", ["--env", "../dev", "--service", `link=${one}`], /is not the name of an environment/],
    ["an unknown option", ["--env", "dev", "--digest", "x"], /Unknown option '--digest'/],
    ["a stray argument", ["--env", "dev", "link"], /Unexpected argument 'link'/],
    [
      "a branch that is none",
      ["--env", "dev", "--branch", "a..b", "--service", `link=${one}`],
      /--branch: "a\.\.b" is not the name of a branch/,
    ],
    [
      "a source commit that is none",
      ["--env", "dev", "--source-commit", "main", "--service", `link=${one}`],
      /--source-commit "main" is not the id of a commit/,
    ],
    [
      "a file that is not there",
      ["--env", "dev", "--digests", "/no/such.json"],
      /\/no\/such\.json: ENOENT.*must be JSON such as/,
    ],
    [
      "standard input for two things",
      ["--env", "dev", "--digests", "-", "--username", "x", "--password-stdin"],
      /both read standard input/,
    ],
  ])("refuses %s, and changes nothing", async (_fault, args, reason) => {
    await expect(run(release, ...args)).rejects.toThrow(reason);
    expect(repository.subjects()).toEqual(["by hand"]);
  });

  test("makes a record for a new service if it is told to", async () => {
    await run(release, "--env", "dev", "--service", `news=${one}`, "--unverified", "--new");
    expect(record("dev", "news")).toBe(pinned("news", one));
  });

  test("a faulty record stops it, with the file", async () => {
    repository.commit({ [recordPath("dev", "user")]: "images: [" });
    await expect(run(release, "--env", "dev", "--service", `link=${one}`, "--unverified")).rejects.toThrow(
      /invalid release records; nothing was changed\n {2}dev\/user\/release\/kustomization\.yaml: is not YAML/,
    );
  });
});
