import { createServer, type IncomingMessage } from "node:http";
import { once } from "node:events";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { temporaryDirectory } from "../../../../../core/atomic-file.ts";
import { providedImageMirror } from "../../../../../sandbox/machine/images/mirror/provided-images.ts";
import {
  parseProvidedImages,
  provideImages,
  providedImages,
  providedReference,
} from "../../../../../sandbox/machine/images/provided.ts";

const directory = temporaryDirectory("provided-test-");
const at = (name: string): string => join(directory.path, name);
const asked: { method: string | undefined; url: string | undefined; authorization: string | undefined }[] = [];
/** A registry that has one image of each of two others. */
const registry = createServer(({ method, url, headers }: IncomingMessage, response) => {
  asked.push({ method, url, authorization: headers.authorization });
  const found = /^\/v2\/provided\/(docker\.io\/library\/postgres|gcr\.io\/app)\/manifests\/17$/.test(url ?? "");
  const content = '{"schemaVersion":2}';
  response.writeHead(found ? 200 : 404, {
    "content-type": "application/vnd.oci.image.manifest.v1+json",
    "content-length": content.length,
    "docker-content-digest": "sha256:1",
  });
  response.end(found && method === "GET" ? content : undefined);
});

beforeAll(async () => {
  await once(registry.listen(0, "127.0.0.1"), "listening");
  const address = registry.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const access = { url: `http://127.0.0.1:${port}`, username: "someone", password: "hunter2" };
  writeFileSync(at("access.json"), JSON.stringify(access));
  mkdirSync(at("work"));
  writeFileSync(at("work/manifest.json"), "[]");
  writeFileSync(at("work/other"), "");
  execFileSync("tar", ["-cf", at("image.tar"), "-C", at("work"), "manifest.json"]);
  execFileSync("tar", ["-cf", at("other.tar"), "-C", at("work"), "other"]);
});
afterAll(() => {
  registry.close();
  directory[Symbol.dispose]();
});

test.each<[option: string, message: RegExp]>([
  ["postgres:17", /must be the name of an image and the file that has it, e\.g\. postgres:17=postgres\.tar/],
  ["postgres:17=", /must be the name of an image and the file/],
  ["=x.tar", /"" is not the name of an image/],
  ["Postgres:17=x.tar", /"Postgres:17" is not the name of an image/],
  ["postgres@sha256:1=x.tar", /is not the name of an image as Dockerfiles have it, with a tag and without a digest/],
  ["postgres:17=no/such.tar", /there is no file no\/such\.tar/],
  ["postgres:17=/", /\/ is no file/],
])("--image %s is refused", (option, message) => {
  expect(() => parseProvidedImages([option, "also wrong"])).toThrow(message);
  expect(() => parseProvidedImages([option, "also wrong"])).toThrow(/--image "also wrong": must be/);
});

test("several images come with a file each", () => {
  const file = at("image.tar");
  expect(parseProvidedImages([`postgres:17=${file}`, `gcr.io/a/b=${file}`])).toEqual([
    { image: "postgres:17", file },
    { image: "gcr.io/a/b", file },
  ]);
});

test.each([
  ["postgres:17", "localhost:5001/provided/docker.io/library/postgres:17"],
  ["acme/tool", "localhost:5001/provided/docker.io/acme/tool:latest"],
  ["gcr.io/app:17", "localhost:5001/provided/gcr.io/app:17"],
  ["registry.example:5000/app:1", "localhost:5001/provided/registry.example-5000/app:1"],
])("%s is kept at %s", (image, reference) => expect(providedReference("localhost:5001", image)).toBe(reference));

test("the sandbox's registry gets them by crane, with its login; what is no image is named", async () => {
  const crane = at("crane");
  writeFileSync(crane, `#!/bin/sh\necho "$@" >>${at("pushed")}\ncat "$DOCKER_CONFIG/config.json" >>${at("pushed")}\n`, {
    mode: 0o755,
  });
  const options = {
    stateDir: at("state"),
    crane,
    registry: { host: "localhost:5001", username: "someone", password: "hunter2" },
  };
  const file = at("image.tar");
  await provideImages({ ...options, images: [{ image: "postgres:17", file }] });
  const pushed = execFileSync("cat", [at("pushed")]).toString();
  expect(pushed).toContain(`push ${file} localhost:5001/provided/docker.io/library/postgres:17\n`);
  expect(pushed).toContain(Buffer.from("someone:hunter2").toString("base64"));
  expect(providedImages(options.stateDir)).toEqual(["postgres:17"]);
  await expect(provideImages({ ...options, images: [{ image: "redis:8", file: at("other.tar") }] })).rejects.toThrow(
    /--image redis:8=.*other\.tar: holds no image; write it with `docker save redis:8 -o/,
  );
  expect(providedImages(options.stateDir)).toEqual(["postgres:17"]);
});

test("builds find them without a login, under the names of Docker Hub and of other registries", async () => {
  const mirror = providedImageMirror(at("access.json"));
  expect(await mirror("library/postgres/manifests/17", "HEAD")).toMatchObject({
    type: "application/vnd.oci.image.manifest.v1+json",
    headers: { "docker-content-digest": "sha256:1" },
    content: { length: 19 },
  });
  expect(await mirror("gcr.io/app/manifests/17", "GET")).toBeDefined();
  expect(await mirror("library/redis/manifests/8", "GET")).toBeUndefined();
  expect(await mirror("", "GET")).toBeUndefined();
  expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
    "HEAD /v2/provided/docker.io/library/postgres/manifests/17",
    "GET /v2/provided/gcr.io/app/manifests/17",
    "GET /v2/provided/docker.io/library/redis/manifests/8",
  ]);
  expect(new Set(asked.map(({ authorization }) => authorization))).toEqual(
    new Set([`Basic ${Buffer.from("someone:hunter2").toString("base64")}`]),
  );
});

test("without the registry, others may have the image", async () => {
  writeFileSync(at("gone.json"), JSON.stringify({ url: "http://127.0.0.1:1", username: "a", password: "b" }));
  expect(await providedImageMirror(at("gone.json"))("library/postgres/manifests/17", "GET")).toBeUndefined();
});
