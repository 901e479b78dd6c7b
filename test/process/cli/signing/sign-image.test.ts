import { describe, expect, test } from "vitest";
import { referrersTag } from "../../../../cli/registry/artifacts.ts";
import { missingProof } from "../../../../cli/signing/assert-images-signed.ts";
import { readProofs } from "../../../../cli/signing/read-proofs.ts";
import { RegistryStandIn } from "../../../support/registry-stand-in.ts";
import { keyPair, openStore, signSample } from "../../../support/signing.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";
const later = "89abcdef0123456789abcdef0123456789abcdef";
const keys = keyPair();
const name = "acme/shop-link";

const kinds = [
  { what: "with the referrers API", kind: { referrers: true } },
  { what: "without it", kind: {} },
  { what: "without it, whose tags cannot be changed", kind: { immutableTags: true } },
] as const;

describe.for(kinds)("in a registry $what", ({ kind }) => {
  // The stand-in's images are an index and one image.
  test("an image has all three proofs, and a second run adds none", async () => {
    await using registry = await RegistryStandIn.start("none", kind);
    const digest = registry.push(name, "1");
    const repository = `${registry.host}/${name}`;
    expect(await signSample({ digest, repository }, keys.key)).toBe(6);
    expect(await signSample({ digest, repository }, keys.key)).toBe(0);
    const store = openStore(repository);
    expect((await store.attached(digest)).length).toBe(3);
    const proofs = await readProofs(store, digest, [keys.key]);
    expect(missingProof(proofs, { repository, commit })).toBeUndefined();
  });

  test("the image of each platform has them, too, and what a builder attests has none", async () => {
    await using registry = await RegistryStandIn.start("none", kind);
    const digest = registry.pushIndex(name, "1", ["linux/amd64", "linux/arm64"]);
    const repository = `${registry.host}/${name}`;
    expect(await signSample({ digest, repository }, keys.key)).toBe(9);
    const { manifests }: { manifests: { digest: string }[] } = JSON.parse(registry.content(digest));
    const store = openStore(repository);
    const counts = await Promise.all(manifests.map(async (child) => (await store.attached(child.digest)).length));
    expect(counts).toEqual([3, 3, 0, 0]);
    const proofs = await readProofs(store, manifests[1]?.digest ?? "", [keys.key]);
    expect(missingProof(proofs, { repository, commit })).toBeUndefined();
  });
});

test("the same digest of another commit is signed for that one, too", async () => {
  await using registry = await RegistryStandIn.start();
  const digest = registry.push(name, "1");
  const repository = `${registry.host}/${name}`;
  await signSample({ digest, repository }, keys.key);
  expect(await signSample({ digest, repository, commit: later }, keys.key)).toBe(6);
  const proofs = await readProofs(openStore(repository), digest, [keys.key]);
  for (const expected of [commit, later])
    expect(missingProof(proofs, { repository, commit: expected })).toBeUndefined();
});

test("where tags cannot be changed, that is an error that says what to exempt", async () => {
  await using registry = await RegistryStandIn.start("none", { immutableTags: true });
  const digest = registry.push(name, "1");
  const repository = `${registry.host}/${name}`;
  await signSample({ digest, repository }, keys.key);
  await expect(signSample({ digest, repository, commit: later }, keys.key)).rejects.toThrow(
    /:sha256-[0-9a-f]{64} lists what is attached to the image, and the registry does not let it be changed \(the registry answers 400: The image tag is immutable for .*\); exempt tags that begin with sha256- from its immutable tags$/,
  );
});

test("what another writer of the list has lost is written again, and theirs is kept", async () => {
  await using registry = await RegistryStandIn.start();
  const digest = registry.push(name, "1");
  const other = registry.push("acme/other", "1");
  const repository = `${registry.host}/${name}`;
  const theirs = { schemaVersion: 2, manifests: [{ mediaType: "x", digest: other, size: 1 }] };
  const store = openStore(repository);
  // The other one has not seen ours, and writes theirs over it.
  registry.afterTag = (_, tag) => {
    if (tag !== referrersTag(digest)) return;
    registry.afterTag = () => {};
    registry.tags
      .get(name)
      ?.set(tag, registry.write("application/vnd.oci.image.index.v1+json", JSON.stringify(theirs)));
  };
  await signSample({ digest, repository }, keys.key);
  const attached = (await store.attached(digest)).map((descriptor) => descriptor.digest);
  expect(attached).toHaveLength(4);
  expect(attached).toContain(other);
});

test("what others attach later by another algorithm does not hide the rest of the list", async () => {
  const foreign: { mediaType: string; digest: string; size: number }[] = [];
  await using registry = await RegistryStandIn.start("none", { referrers: true, foreign });
  const digest = registry.push(name, "1");
  const repository = `${registry.host}/${name}`;
  await signSample({ digest, repository }, keys.key);
  foreign.push({ mediaType: "x", digest: `sha512:${"0".repeat(128)}`, size: 1 });
  expect(await openStore(repository).attached(digest)).toHaveLength(3);
  expect(await signSample({ digest, repository }, keys.key)).toBe(0);
});

test("a registry that keeps losing it is an error: nothing counts as signed that is not there", async () => {
  await using registry = await RegistryStandIn.start();
  const digest = registry.push(name, "1");
  const repository = `${registry.host}/${name}`;
  registry.afterTag = (_, tag) => registry.tags.get(name)?.delete(tag);
  await expect(signSample({ digest, repository }, keys.key)).rejects.toThrow(
    "the registry does not list all that was attached, for others write there at the same time; run the same command again",
  );
});

test("with a login by token, it asks for the right to push", async () => {
  await using registry = await RegistryStandIn.start("bearer");
  const digest = registry.push(name, "1");
  const repository = `${registry.host}/${name}`;
  await signSample({ digest, repository }, keys.key);
  const scopes = registry.requests.filter((request) => request.includes("/token"));
  expect(scopes.at(-1)).toContain(encodeURIComponent(`repository:${name}:pull,push`));
  expect((await readProofs(openStore(repository), digest, [keys.key])).statements).toHaveLength(3);
});
