import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { referrersTag } from "../../../../cli/registry/artifacts.ts";
import { copyImage, copyTag, type CopiedImage } from "../../../../cli/registry/copy-image.ts";
import { readProofs } from "../../../../cli/signing/read-proofs.ts";
import { RegistryStandIn, type AttachmentKind } from "../../../support/registry-stand-in.ts";
import { keyPair, openStore, signSample } from "../../../support/signing.ts";

const keys = keyPair();
const kinds: readonly [name: string, kind: AttachmentKind][] = [
  ["with the referrers API", { referrers: true }],
  ["without it, as Docker Hub", {}],
  ["with tags that cannot be changed", { immutableTags: true }],
];

let origin: RegistryStandIn;
let digest: string;
beforeEach(async () => {
  origin = await RegistryStandIn.start();
  digest = origin.pushIndex("acme/shop-link", "1", ["linux/amd64", "linux/arm64"]);
  await signSample({ digest, repository: source() }, keys.key);
});
afterEach(() => origin[Symbol.asyncDispose]());

const source = (): string => `${origin.host}/acme/shop-link`;
const destination = ({ host }: RegistryStandIn): string => `${host}/prod/shop-link`;
const copyTo = (target: RegistryStandIn): Promise<CopiedImage> =>
  copyImage(digest, openStore(source()), openStore(destination(target)), copyTag(digest));

/** The digests of the image for each platform, as the index lists them. */
function children(): string[] {
  const { manifests }: { manifests: { digest: string }[] } = JSON.parse(origin.content(digest));
  return manifests.map((manifest) => manifest.digest);
}

async function kindsOfProofs(target: RegistryStandIn, of: string): Promise<number> {
  return (await readProofs(openStore(destination(target)), of, [keys.key])).statements.length;
}

describe.each(kinds)("to a registry %s", (_name, kind) => {
  test("an index comes with its images, what its builder attests, and all proofs of each", async () => {
    await using target = await RegistryStandIn.start("none", kind);
    const copied = await copyTo(target);
    // Two platforms, an attestation of each, and the index; three proofs of the index and of each platform.
    expect(copied).toMatchObject({ images: 5, attachments: 9 });
    for (const one of [digest, ...children()]) expect(target.content(one)).toBe(origin.content(one));
    const [amd64 = "", arm64 = ""] = children();
    for (const one of [digest, amd64, arm64]) expect(await kindsOfProofs(target, one)).toBe(3);
    expect(target.tags.get("prod/shop-link")?.get(copyTag(digest))).toBe(digest);
  });

  test("a second time writes nothing, and what a first one has not come to is added", async () => {
    await using target = await RegistryStandIn.start("none", kind);
    await copyTo(target);
    const [amd64 = ""] = children();
    const before = target.requests.length;
    expect(await copyTo(target)).toMatchObject({ images: 5, attachments: 9, bytes: 0 });
    expect(target.requests.slice(before).filter((request) => /^(PUT|POST)/.test(request))).toEqual([]);
    target.lose(digest, "layer");
    target.forget(amd64);
    expect((await copyTo(target)).bytes).toBeGreaterThan(0);
    expect(target.content(amd64)).toBe(origin.content(amd64));
  });
});

test("from a registry with the referrers API to one without, each list is written", async () => {
  await using full = await RegistryStandIn.start("none", { referrers: true });
  await copyTo(full);
  await using plain = await RegistryStandIn.start();
  await copyImage(digest, openStore(destination(full)), openStore(destination(plain)), copyTag(digest));
  expect(await kindsOfProofs(plain, digest)).toBe(3);
  expect(plain.tags.get("prod/shop-link")?.has(referrersTag(digest))).toBe(true);
});

test("what the target has attached itself stays, and what was signed since comes along", async () => {
  await using target = await RegistryStandIn.start();
  await copyTo(target);
  const scan = { type: "application/vnd.acme.scan", content: Buffer.from("clean"), annotations: {} };
  const store = openStore(destination(target));
  const subject = await store.manifest(digest);
  await store.attach(subject ?? expect.unreachable(), [scan]);
  await signSample({ digest, repository: source(), commit: "1".repeat(40) }, keys.key);
  await copyTo(target);
  expect(await kindsOfProofs(target, digest)).toBe(6);
  expect(await store.attached(digest)).toHaveLength(7);
});

test("another writer that loses entries of the list is noticed, and they are written again", async () => {
  await using target = await RegistryStandIn.start();
  let isFirst = true;
  target.afterTag = (repository, tag) => {
    if (tag !== referrersTag(digest) || !isFirst) return;
    isFirst = false;
    const empty = target.write("application/vnd.oci.image.index.v1+json", '{"schemaVersion":2,"manifests":[]}');
    target.tags.get(repository)?.set(tag, empty);
  };
  await copyTo(target);
  expect(await kindsOfProofs(target, digest)).toBe(3);
});

test("what a list names and is not attached to the image does not come along", async () => {
  const [amd64 = ""] = children();
  const store = openStore(source());
  // A list under a tag that leads to itself, and to an image that has nothing to do with it.
  const other = origin.push("acme/shop-user", "1");
  const list = [...(await store.attached(amd64)), { digest: amd64, size: 1 }, { digest: other, size: 1 }];
  const index = origin.write(
    "application/vnd.oci.image.index.v1+json",
    JSON.stringify({ schemaVersion: 2, manifests: list }),
  );
  origin.tags.get("acme/shop-link")?.set(referrersTag(amd64), index);
  await using target = await RegistryStandIn.start();
  expect(await copyTo(target)).toMatchObject({ images: 5, attachments: 9 });
  expect(target.content(other)).toBe("");
});

describe("is refused, and the target has no tag for it:", () => {
  const refused = async (target: RegistryStandIn, reason: string): Promise<void> => {
    await expect(copyTo(target)).rejects.toThrow(reason);
    expect(target.tags.get("prod/shop-link")?.has(copyTag(digest)) ?? false).toBe(false);
  };

  test("an image of which the origin has lost a layer", async () => {
    await using target = await RegistryStandIn.start();
    const [, layer = ""] = /"layers":\[\{"digest":"([^"]+)"/.exec(origin.content(children()[0] ?? "")) ?? [];
    origin.forget(layer);
    await refused(target, `${source()}@${layer}: the registry has lost it`);
  });

  test("one whose layer the origin's storage has changed", async () => {
    await using target = await RegistryStandIn.start();
    const [, layer = ""] = /"layers":\[\{"digest":"([^"]+)"/.exec(origin.content(children()[0] ?? "")) ?? [];
    origin.replace(layer, origin.content(layer).toUpperCase());
    await refused(target, `${source()}@${layer}: the registry gives something else`);
  });

  test("one whose SBOM the origin has lost", async () => {
    await using target = await RegistryStandIn.start();
    const [first] = await openStore(source()).attached(digest);
    origin.forget(first?.digest ?? "");
    await refused(target, `${source()}@${first?.digest}: the registry has lost it, so that it cannot be copied`);
  });

  test("one to a registry that has made the list a tag that nobody may change, and lacks some of it", async () => {
    await using target = await RegistryStandIn.start("none", { immutableTags: true });
    const store = openStore(destination(target));
    await copyTo(target);
    await signSample({ digest, repository: source(), commit: "1".repeat(40) }, keys.key);
    await expect(copyTo(target)).rejects.toThrow("exempt tags that begin with sha256- from its immutable tags");
    expect(await store.attached(digest)).toHaveLength(3);
  });
});
