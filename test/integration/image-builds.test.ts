import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { temporaryDirectory, type TemporaryDirectory } from "../../core/atomic-file.ts";
import { sandboxSettings } from "../../sandbox/machine/endpoints.ts";
import { appProgram, deliveryBuild, type BuildEndpoints } from "../support/delivery-build.ts";
import { enterSandbox } from "../support/sandbox-harness.ts";

const commit = "89abcdef0123456789abcdef0123456789abcdef";
const secret = "the-token-of-npm-4711";
const imagesSchema = z.object({ images: z.array(z.object({ repository: z.string(), digest: z.string() })) });
const descriptorSchema = z.object({
  digest: z.string(),
  platform: z.object({ os: z.string(), architecture: z.string() }).optional(),
});
const contentSchema = z.object({
  mediaType: z.string(),
  config: descriptorSchema.optional(),
  layers: z.array(descriptorSchema).default([]),
  manifests: z.array(descriptorSchema).default([]),
});

let shop: TemporaryDirectory;
let location: BuildEndpoints;
beforeAll(async () => {
  const { sandbox, credentials } = await enterSandbox();
  const { registryHost } = sandbox.endpoints;
  location = { buildKit: await sandbox.docker.buildKit(), registryHost, password: credentials.registryPassword };
  shop = temporaryDirectory("delivery-image-builds-");
  appProgram(shop.path, registryHost, "builds", {
    "svc/secretive/Dockerfile": `FROM busybox AS build
RUN --mount=type=secret,id=npm_token,required cat /run/secrets/npm_token && \\
  test "$(cat /run/secrets/npm_token)" = ${secret.slice(0, -4)}$((4700 + 11)) && echo made >/made
FROM scratch
COPY --from=build /made /made
`,
    "svc/secretive/service.yaml": 'build: { secrets: { npm_token: "npm-token" } }\n',
    // That the second stage is needed, only the builder knows.
    "svc/hidden/Dockerfile": `ARG BASE=build
FROM busybox AS build
RUN --mount=type=secret,id=npm_token,required true
FROM $BASE
`,
    "svc/several/Dockerfile": `FROM --platform=$BUILDPLATFORM busybox AS build
ARG TARGETARCH
RUN echo "for $TARGETARCH" >/made
FROM scratch
COPY --from=build /made /made
`,
    "svc/several/service.yaml": "platforms: [linux/amd64, linux/arm64]\n",
  });
});
afterAll(() => shop[Symbol.dispose]());

/** What the registry has at a path below a repository. */
async function fetched(repository: string, path: string): Promise<Buffer> {
  const [host = "", ...name] = repository.split("/");
  const login = Buffer.from(`${sandboxSettings().images.username}:${location.password}`).toString("base64");
  const response = await fetch(`http://${host}/v2/${name.join("/")}/${path}`, {
    headers: {
      authorization: `Basic ${login}`,
      accept:
        "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json",
    },
  });
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

async function manifest(repository: string, reference: string): Promise<z.infer<typeof contentSchema>> {
  return contentSchema.parse(JSON.parse((await fetched(repository, `manifests/${reference}`)).toString()));
}

/** The contents of an image's layers, unpacked, and its configuration with the history. */
async function contents(repository: string, reference: string): Promise<string> {
  const { config, layers } = await manifest(repository, reference);
  const blobs = await Promise.all(
    [config, ...layers].map(async (part) => fetched(repository, `blobs/${part?.digest}`)),
  );
  return blobs
    .map((blob) => (blob.subarray(0, 2).toString("hex") === "1f8b" ? gunzipSync(blob) : blob).toString("latin1"))
    .join("\n");
}

const build = async (service: string, environment: Readonly<Record<string, string>> = {}, ...more: string[]) =>
  deliveryBuild(shop.path, location, [`--service=${service}`, `--commit=${commit}`, "--json", ...more], environment);

test("a secret of the stack reaches the step that mounts it, and is in no layer, history, cache or log", async () => {
  const { status, output, errors } = await build("secretive", { DELIVERY_BUILD_SECRET_NPM_TOKEN: secret });
  expect({ status, errors }).toEqual({ status: 0, errors: expect.stringContaining("[secret]") });
  const [{ repository, digest } = { repository: "", digest: "" }] = imagesSchema.parse(JSON.parse(output)).images;
  const image = await contents(repository, digest);
  expect(image).toContain("made\n");
  expect(image).toContain("created_by");
  const cache = await contents(repository, "buildcache");
  for (const text of [image, cache, output, errors]) expect(text).not.toContain(secret);
});

test("another secret takes what the cache has of the same step", async () => {
  const { status, errors } = await build("secretive", { DELIVERY_BUILD_SECRET_NPM_TOKEN: "another-token-of-npm" });
  expect({ status, cached: /CACHED/.test(errors) }).toEqual({ status: 0, cached: true });
});

test("without a push, and without the secret, nothing is built, and that is said", async () => {
  const { status, output } = await build("secretive", {}, "--no-push");
  expect(status).toBe(0);
  expect(JSON.parse(output)).toMatchObject({ images: [], skipped: [{ service: "secretive" }] });
});

test("several platforms make one index, of which each child has what was made for it, without any emulation", async () => {
  const { status, output, errors } = await build("several");
  expect(errors).not.toContain("error: ");
  expect(status).toBe(0);
  const [{ repository, digest } = { repository: "", digest: "" }] = imagesSchema.parse(JSON.parse(output)).images;
  const index = await manifest(repository, digest);
  expect(index.mediaType).toMatch(/index|manifest\.list/);
  const platforms = index.manifests.map(({ platform }) => `${platform?.os}/${platform?.architecture}`);
  expect(platforms).toEqual(["linux/amd64", "linux/arm64"]);
  const made = await Promise.all(index.manifests.map(async (child) => contents(repository, child.digest)));
  expect(made.map((text) => /for \w+/.exec(text)?.[0])).toEqual(["for amd64", "for arm64"]);
});

test("the digest of the index is that of its tag, which a release, a promotion and the status ask for", async () => {
  const { output } = await build("several", {}, "--build-number=7");
  const [{ repository, digest } = { repository: "", digest: "" }] = imagesSchema.parse(JSON.parse(output)).images;
  expect(await manifest(repository, "0.1.7")).toEqual(await manifest(repository, digest));
});

test("a required secret that only the builder misses has a reason that says where to name it", async () => {
  const { status, errors } = await build("hidden");
  expect(status).toBe(1);
  expect(errors).toMatch(
    /builds-hidden is not built: a step of \S+ needs the secret npm_token, which nobody gives; name a secret/,
  );
});
