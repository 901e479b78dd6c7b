import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { digestOf } from "../../cli/registry/content.ts";
import { copyImage, copyTag } from "../../cli/registry/copy-image.ts";
import { RegistryRefusal } from "../../cli/registry/session.ts";
import { readProofs } from "../../cli/signing/read-proofs.ts";
import { startDistribution, type DistributionServer } from "../support/distribution.ts";
import { keyPair, openStore, signSample } from "../support/signing.ts";

const keys = keyPair();
/** More than a registry, a socket or Node.js holds at once. */
const layer = randomBytes(24 * 2 ** 20);

let origin: DistributionServer;
let digest: string;
beforeAll(async () => {
  origin = await startDistribution();
  const store = openStore(repositoryOf(origin));
  const config = Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}');
  for (const blob of [config, layer]) await store.putBlob(blob);
  const described = (mediaType: string, content: Buffer) => ({
    mediaType,
    digest: digestOf(content),
    size: content.length,
  });
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const content = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: described("application/vnd.oci.image.config.v1+json", config),
      layers: [described("application/vnd.oci.image.layer.v1.tar", layer)],
    }),
  );
  digest = digestOf(content);
  await store.putManifest("0.2.1", { mediaType, content });
  await signSample({ digest, repository: repositoryOf(origin) }, keys.key);
});
afterAll(() => origin[Symbol.asyncDispose]());

function repositoryOf({ host }: DistributionServer): string {
  return `${host}/acme/shop-link`;
}

async function proofsIn(server: DistributionServer): Promise<number> {
  return (await readProofs(openStore(repositoryOf(server)), digest, [keys.key])).statements.length;
}

test("a real registry takes a copy with its proofs, and a second one writes nothing", async () => {
  await using target = await startDistribution();
  const copy = () =>
    copyImage(digest, openStore(repositoryOf(origin)), openStore(repositoryOf(target)), copyTag(digest));
  const { bytes, ...counts } = await copy();
  expect(counts).toEqual({ images: 1, attachments: 3 });
  expect(bytes).toBeGreaterThan(layer.length);
  expect(await proofsIn(target)).toBe(3);
  const copied = openStore(repositoryOf(target));
  expect((await copied.manifest(copyTag(digest)))?.digest).toBe(digest);
  expect(digestOf(await copied.blob({ digest: digestOf(layer), size: layer.length }))).toBe(digestOf(layer));
  expect(await copy()).toEqual({ images: 1, attachments: 3, bytes: 0 });
});

test("through a real cache, an image is copied with its proofs, and the cache itself takes none", async () => {
  await using cache = await startDistribution({ cacheOf: origin.host });
  await using target = await startDistribution();
  const through = openStore(repositoryOf(cache));
  expect(await copyImage(digest, through, openStore(repositoryOf(target)), copyTag(digest))).toMatchObject({
    images: 1,
    attachments: 3,
  });
  expect(await proofsIn(target)).toBe(3);
  const refusal = await copyImage(digest, openStore(repositoryOf(target)), through, copyTag(digest)).catch(
    (error: unknown) => error,
  );
  expect(refusal).toBeInstanceOf(RegistryRefusal);
  expect(refusal).toMatchObject({ status: 405 });
});
