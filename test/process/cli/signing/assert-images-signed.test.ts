import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { signStatement } from "../../../../cli/signing/bundle.ts";
import {
  assertImagesSigned,
  unsignedImages,
  type SigningPolicy,
} from "../../../../cli/signing/assert-images-signed.ts";
import { signImage } from "../../../../cli/signing/sign-image.ts";
import { statementOf, type StatementKind } from "../../../../cli/signing/statement.ts";
import { RegistryStandIn } from "../../../support/registry-stand-in.ts";
import { keyPair, openStore, signSample } from "../../../support/signing.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";
const later = "89abcdef0123456789abcdef0123456789abcdef";
const ours = keyPair();
const theirs = keyPair();

let registry: RegistryStandIn;
let digest: string;
beforeEach(async () => {
  registry = await RegistryStandIn.start();
  digest = registry.push("acme/shop-link", "1");
});
afterEach(() => registry[Symbol.asyncDispose]());

const repository = (): string => `${registry.host}/acme/shop-link`;
const policy = (keys = [ours.key]): SigningPolicy => ({
  keys,
  originOf: (service) => `${registry.host}/acme/shop-${service}`,
  file: "stacks/Pulumi.prod.yaml",
});

function check(sourceCommit: string | undefined = commit, of = policy()): Promise<void> {
  const release = { service: "link", repository: repository(), digest, sourceCommit };
  return assertImagesSigned(of, [release], { login: async () => undefined });
}

/** Attaches one statement alone. */
async function attach(kind: StatementKind, key = ours.key, change = (text: string): string => text): Promise<void> {
  const store = openStore(repository());
  const subject = await store.manifest(digest);
  const claim = { digest, repository: repository(), commit, tags: [] };
  const bundle = change(signStatement(statementOf(kind, claim, {}), key).toString());
  if (subject === undefined) throw new Error("the registry has no such image");
  const type = "application/vnd.dev.sigstore.bundle.v0.3+json";
  await store.attach(subject, [{ type, content: Buffer.from(bundle), annotations: {} }]);
}

test("what a build has signed is released, for its commit, and where the commit is not known", async () => {
  await signSample({ digest, repository: repository() }, ours.key);
  await check();
  await check(commit.slice(0, 12));
  await check(undefined);
});

test("an image that was chosen by a tag is one that was built for this tag", async () => {
  const image = { digest, repository: repository(), commit, tags: ["0.2.7", commit] };
  await signImage(openStore(repository()), image, ours.key, () => ({ signature: {}, SBOM: {}, provenance: {} }));
  const problemsOf = async (tag: string | undefined): Promise<string[]> => {
    const release = { service: "link", repository: repository(), digest, tag };
    const unsigned = await unsignedImages(policy(), [release], { login: async () => undefined });
    return unsigned.map(({ problem }) => problem);
  };
  expect(await problemsOf("0.2.7")).toEqual([]);
  expect(await problemsOf(undefined)).toEqual([]);
  expect(await problemsOf("0.2.8")).toEqual([
    `${repository()}@${digest} is not signed for the tag 0.2.8, but for 0.2.7, ${commit}: somebody has moved the tag`,
  ]);
});

test("while a key is exchanged for another, either counts", async () => {
  await signSample({ digest, repository: repository() }, ours.key);
  await check(commit, policy([theirs.key, ours.key]));
});

describe("is not released, and one sentence says why:", () => {
  const refused = async (reason: string, ...args: Parameters<typeof check>): Promise<void> =>
    expect(check(...args)).rejects.toThrow(
      `${repository()}@${digest} ${reason}\n       stacks/Pulumi.prod.yaml demands it (images.signing.verify); nothing was changed`,
    );

  test("an image that nobody signed", () =>
    refused("is not signed: build it again with signing on, which needs no other commit"));

  test("one that another key signed", async () => {
    await signSample({ digest, repository: repository() }, theirs.key);
    await refused("is not signed by a key of images.signing.publicKeys: what is attached is signed by another key");
  });

  test("one whose signature was copied from another repository", async () => {
    await signSample({ digest, repository: repository() }, ours.key);
    await refused(
      `is not signed for ${registry.host}/acme/shop-user, but for ${repository()}: build it for the one, or where it is to come from the other, set images.signing.origin`,
      commit,
      { ...policy(), originOf: () => `${registry.host}/acme/shop-user` },
    );
  });

  test("one that was signed for another commit", async () => {
    await signSample({ digest, repository: repository() }, ours.key);
    await refused(`is not signed for the commit ${later}, but for ${commit}: another build has this digest`, later);
  });

  test("one with a signature and no SBOM", async () => {
    await attach("signature");
    await attach("provenance");
    await refused("has no SBOM that is signed: build it again with signing on, which needs no other commit");
  });

  test("one whose SBOM was changed after it was signed", async () => {
    await attach("signature");
    await attach("provenance");
    await attach("SBOM", ours.key, (text) => {
      const bundle: { dsseEnvelope: { payload: string } } = JSON.parse(text);
      const payload = Buffer.from(bundle.dsseEnvelope.payload, "base64").toString();
      const changed = payload.replace('"predicate":{}', '"predicate":{"components":[]}');
      bundle.dsseEnvelope.payload = Buffer.from(changed).toString("base64");
      return JSON.stringify(bundle);
    });
    await refused(
      "has no SBOM that is signed: what claims to be was changed after it was signed, for its signature does not fit",
    );
  });

  test("one that has two signatures, and nothing else", async () => {
    await attach("signature");
    await attach("signature");
    await refused("has no SBOM that is signed: build it again with signing on, which needs no other commit");
  });

  test("one that has the proofs of another image", async () => {
    const other = registry.push("acme/shop-link", "2");
    await signSample({ digest: other, repository: repository() }, ours.key);
    const tags = registry.tags.get("acme/shop-link");
    tags?.set(digest.replace(":", "-"), tags.get(other.replace(":", "-")) ?? "");
    await refused("is not signed: build it again with signing on, which needs no other commit");
  });
});

test("what is attached and is no bundle of ours does not get in the way", async () => {
  const store = openStore(repository());
  const subject = await store.manifest(digest);
  if (subject === undefined) throw new Error("the registry has no such image");
  const content = Buffer.from("not even JSON");
  await store.attach(subject, [
    { type: "application/vnd.dev.sigstore.bundle.v0.3+json", content, annotations: {} },
    { type: "application/vnd.cncf.notary.signature", content, annotations: {} },
  ]);
  await signSample({ digest, repository: repository() }, ours.key);
  await check();
});

test("a blob that the storage has changed is an error, and no signature", async () => {
  await attach("signature");
  const bundle = registry.requests
    .filter((request) => request.startsWith("HEAD"))
    .map((path) => path.split("/").at(-1));
  for (const blob of bundle) if (blob !== undefined && registry.content(blob) !== "{}") registry.replace(blob, "{}");
  await expect(check()).rejects.toThrow("the registry gives something else");
});

test("through a cache that does not pass signatures on, they are read where the image comes from", async () => {
  await using cache = await RegistryStandIn.start();
  await signSample({ digest, repository: repository() }, ours.key);
  cache.cache(registry, "acme/shop-link", digest);
  const release = { service: "link", repository: `${cache.host}/acme/shop-link`, digest, sourceCommit: commit };
  await assertImagesSigned(policy(), [release], { login: async () => undefined });
  const byCache = { ...policy(), originOf: () => release.repository };
  await expect(assertImagesSigned(byCache, [release], { login: async () => undefined })).rejects.toThrow(
    `${release.repository}@${digest} is not signed`,
  );
});
