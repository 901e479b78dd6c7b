import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { copyTag } from "../../../../cli/registry/copy-image.ts";
import { command as promote } from "../../../../cli/commands/promote.ts";
import { readProofs } from "../../../../cli/signing/read-proofs.ts";
import { errorMessage } from "../../../../core/error.ts";
import { initialRecord, recordPath, recordWith } from "../../../../git/release-record.ts";
import { BareRepository } from "../../../support/bare-repository.ts";
import { RegistryStandIn } from "../../../support/registry-stand-in.ts";
import { keyPair, openStore, signSample } from "../../../support/signing.ts";
import { writeStackSettings } from "../../../support/stack-settings.ts";

const keys = keyPair();
const commit = "0123456789abcdef0123456789abcdef01234567";
const program = process.cwd();

let directory: string;
let repository: BareRepository;
/** Where images are built and signed. */
let origin: RegistryStandIn;
let digest: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "promote-copies-"));
  mkdirSync(join(directory, "stacks"));
  process.chdir(directory);
});
afterAll(() => {
  process.chdir(program);
  rmSync(directory, { recursive: true });
});
beforeEach(async () => {
  repository = new BareRepository();
  origin = await RegistryStandIn.start();
  digest = origin.pushIndex("acme/shop-link", "0.2.1", ["linux/amd64", "linux/arm64"]);
  declare("dev", { registry: origin.host, organization: "acme" });
  runsInDev(built());
});
afterEach(async () => {
  repository[Symbol.dispose]();
  await origin[Symbol.asyncDispose]();
});

const built = (): string => `${origin.host}/acme/shop-link`;
const sign = (): Promise<number> => signSample({ digest, repository: built(), commit }, keys.key);

function runsInDev(from: string): void {
  repository.commit({
    [recordPath("dev", "link")]: recordWith({ repository: from, digest, sourceCommit: commit }),
    [recordPath("prod", "link")]: initialRecord("link"),
  });
}

function declare(name: string, images: Record<string, unknown>, promotion?: Record<string, unknown>): void {
  const config = {
    schemaVersion: 2,
    app: { name: "shop", directory: "." },
    images: { username: "robot", source: "registry", ...images },
    ci: { organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10" },
    gitops: { repository: "https://git.example/acme/deploy.git" },
    ...(promotion && { promotion }),
  };
  writeStackSettings(directory, name, config);
}

/** Prod has its images elsewhere, and takes what was signed where it was built. */
function declareProd(target: RegistryStandIn, promotion: Record<string, unknown> = { copyImages: true }): void {
  const signing = { publicKeys: [keys.publicPem], verify: "signed", origin: `${origin.host}/acme` };
  declare("prod", { registry: target.host, organization: "prod", signing }, { from: "dev", ...promotion });
}

interface Outcome {
  readonly notes: string;
  /** Empty where it did not fail. */
  readonly error: string;
}

async function run(...args: string[]): Promise<Outcome> {
  const notes: string[] = [];
  const error = await promote
    .run(["--to", "prod", "--repository", repository.url, ...args], {
      environment: {
        PATH: process.env["PATH"],
        DELIVERY_REGISTRY_USERNAME: "robot",
        DELIVERY_REGISTRY_PASSWORD: "hunter2",
        DOCKER_CONFIG: directory,
      },
      print: () => {},
      note: (line) => notes.push(line),
      input: async () => "",
      signal: new AbortController().signal,
    })
    .then(
      () => "",
      (reason: unknown) => errorMessage(reason),
    );
  return { notes: notes.join("\n"), error };
}

const record = (): string | undefined => repository.files()[recordPath("prod", "link")];

async function proofsIn(target: RegistryStandIn): Promise<number> {
  const store = openStore(`${target.host}/prod/shop-link`);
  return (await readProofs(store, digest, [keys.key])).statements.length;
}

test("an image comes with its proofs, is demanded to have them there, and runs from there", async () => {
  await using target = await RegistryStandIn.start("basic");
  declareProd(target);
  await sign();
  const { notes, error } = await run();
  expect(error).toBe("");
  expect(notes).toContain(`9 attachments`);
  expect(notes).toContain(`copied from ${built()} to ${target.host}/prod/shop-link`);
  expect(record()).toBe(recordWith({ repository: `${target.host}/prod/shop-link`, digest, sourceCommit: commit }));
  expect(target.tags.get("prod/shop-link")?.get(copyTag(digest))).toBe(digest);
  // The login that may push there is nothing for the registry that it comes from.
  expect([...origin.logins]).toEqual([]);
});

test("from behind a cache that lacks signatures, it comes from where it was signed", async () => {
  await using cache = await RegistryStandIn.start("none", { readOnly: true });
  await using target = await RegistryStandIn.start("basic", { referrers: true });
  declareProd(target);
  await sign();
  cache.cache(origin, "acme/shop-link", digest);
  runsInDev(`${cache.host}/acme/shop-link`);
  expect((await run()).notes).toContain(`9 attachments`);
  expect(record()).toContain(`${target.host}/prod/shop-link`);
});

test("a promotion that was cut short is done again, and copies what is missing", async () => {
  await using target = await RegistryStandIn.start();
  declareProd(target);
  await sign();
  const cutShort = "MANIFEST_INVALID";
  let written = 0;
  target.beforeWrite = (path) => (path.includes("/manifests/") && ++written === 4 ? [400, cutShort] : undefined);
  expect((await run()).error).toContain(`the registry answers 400`);
  expect(record()).toBe(initialRecord("link"));
  target.beforeWrite = () => undefined;
  expect((await run()).error).toBe("");
  expect(await proofsIn(target)).toBe(3);
});

describe("nothing is copied or promoted:", () => {
  test("an image that nobody has signed", async () => {
    await using target = await RegistryStandIn.start();
    declareProd(target);
    expect((await run()).error).toContain(`${built()}@${digest} is not signed: build it again with signing on`);
    expect([...target.tags]).toEqual([]);
    expect(record()).toBe(initialRecord("link"));
  });

  test("where only the gates are asked", async () => {
    await using target = await RegistryStandIn.start();
    declareProd(target);
    await sign();
    expect((await run("--check")).error).toBe("");
    expect([...target.tags]).toEqual([]);
  });

  test("to a cache, which fetches images by itself", async () => {
    await using cache = await RegistryStandIn.start("none", { readOnly: true });
    declareProd(cache);
    await sign();
    expect((await run()).error).toContain(
      `${cache.host}/prod/shop-link takes no images (the registry answers 405: The operation is unsupported.`,
    );
    expect(record()).toBe(initialRecord("link"));
  });

  test("where no registry is to be asked", async () => {
    await using target = await RegistryStandIn.start();
    declareProd(target);
    declare("prod", { registry: target.host, organization: "prod" }, { from: "dev", copyImages: true });
    expect((await run("--unverified")).error).toBe(
      "--unverified asks no registry, and images are copied to that of prod (promotion.copyImages of stacks/Pulumi.prod.yaml); leave it out",
    );
  });
});

test("through a cache, an image is promoted without a copy, by the proofs at its origin", async () => {
  await using cache = await RegistryStandIn.start("none", { readOnly: true });
  declareProd(cache, {});
  await sign();
  cache.cache(origin, "prod/shop-link", digest);
  expect((await run()).error).toBe("");
  expect(record()).toContain(`${cache.host}/prod/shop-link`);
});

test("where nothing is demanded, it comes from where the other environment runs it", async () => {
  await using target = await RegistryStandIn.start();
  declare("prod", { registry: target.host, organization: "prod" }, { from: "dev", copyImages: true });
  await sign();
  expect((await run()).error).toBe("");
  expect(await proofsIn(target)).toBe(3);
});

test("where both have it in one repository, nothing is copied, and it is said", async () => {
  declare("prod", { registry: origin.host, organization: "acme" }, { from: "dev", copyImages: true });
  const { error, notes } = await run();
  expect(error).toBe("");
  expect(notes).toContain(`link | is not copied: both environments run it from ${built()}`);
});
