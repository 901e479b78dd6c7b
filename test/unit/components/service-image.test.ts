import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { stringify } from "yaml";
import {
  readReleaseRecord,
  releaseRecordPath,
  serviceImages,
  type ServiceImagesArgs,
} from "../../../components/service-image.ts";
import type { Service } from "../../../components/service/service.ts";
import { hideSecrets, openEnvelope, openMockEngine } from "../../support/mock-engine.ts";
import { sampleService } from "../../support/sample-shop.ts";

let releases: string;
beforeEach(() => void (releases = mkdtempSync(join(tmpdir(), "releases-"))));
afterEach(() => {
  rmSync(releases, { recursive: true });
  vi.restoreAllMocks();
});

const digest = `sha256:${"a".repeat(64)}`;
const services = [sampleService("link"), sampleService("user")];

function release(service: string, pinned = digest, environment = "dev"): void {
  const file = releaseRecordPath(releases, environment, service);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: "kustomize.config.k8s.io/v1alpha1",
      kind: "Component",
      images: [{ name: `docker.io/acme/shop-${service}`, digest: pinned }],
    }),
  );
}

async function declared(images: Partial<ServiceImagesArgs["images"]>, declaredServices: readonly Service[] = services) {
  const engine = await openMockEngine("dev", { values: {}, secretKeys: [] });
  const warnings = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
  const made = serviceImages(declaredServices, {
    file: "stacks/Pulumi.dev.yaml",
    app: { name: "shop", directory: "examples/shop" },
    environment: "dev",
    delivery: "direct",
    images: {
      registry: "docker.io",
      organization: "acme",
      source: "registry",
      platforms: ["linux/arm64"],
      tag: "1.2",
      releases,
      ...images,
    },
    registry: { server: "docker.io", username: "acme-ci", password: pulumi.secret("hunter2") },
  });
  const references = await Promise.all(
    [...made].map(async ([name, { reference }]) => [
      name,
      reference === undefined ? "none" : await new Promise((resolve) => void reference.apply(resolve)),
    ]),
  );
  return {
    resources: await engine.resources(),
    references: Object.fromEntries(references),
    warnings: warnings.mock.calls.map(([message]) => message),
  };
}

describe("source registry", () => {
  test("declares the images that the release records pin, and nothing of Docker", async () => {
    release("link");
    release("user", `sha256:${"b".repeat(64)}`);
    const { resources, references, warnings } = await declared({});
    expect(references).toEqual({
      link: `docker.io/acme/shop-link@${digest}`,
      user: `docker.io/acme/shop-user@sha256:${"b".repeat(64)}`,
    });
    expect(resources).toEqual({
      "delivery:images:ServiceImage::shop": {
        repositories: { link: "docker.io/acme/shop-link", user: "docker.io/acme/shop-user" },
      },
    });
    expect(warnings).toEqual([]);
  });

  test("has no image of a service that was never released, and warns of it by name", async () => {
    release("user");
    const { resources, references, warnings } = await declared({});
    expect(references).toEqual({ link: "none", user: `docker.io/acme/shop-user@${digest}` });
    expect(resources["delivery:images:ServiceImage::shop"]).toMatchObject({
      repositories: { link: "docker.io/acme/shop-link" },
    });
    expect(warnings).toEqual([
      `link is not deployed yet: CI has released no image of it to dev (there is no ${releaseRecordPath(releases, "dev", "link")})`,
    ]);
  });

  test("takes no other environment's release", async () => {
    release("link", digest, "prod");
    expect((await declared({})).references).toEqual({ link: "none", user: "none" });
  });

  test("reports all invalid records at once", async () => {
    release("link", "latest");
    release("user", "sha256:0");
    await expect(declared({})).rejects.toThrow(/^2 problems; nothing was changed\n.*\/link\/.*\n.*\/user\//);
  });

  test("refuses a wrong path, which would take everything down", async () => {
    await expect(declared({ releases: join(releases, "no-such") })).rejects.toThrow(
      /no-such" does not exist; correct the path/,
    );
  });
});

describe("source build", () => {
  const image = "delivery:images:ServiceImage$docker:index/image:Image::link";

  test("builds each service for the platform, caches through the registry, and deploys the digest", async () => {
    const { resources, references } = await declared({ source: "build" });
    expect(Object.keys(resources).filter((urn) => urn.includes("docker:"))).toEqual([
      image,
      image.replace("::link", "::user"),
    ]);
    expect(resources[image]).toMatchObject({
      imageName: "docker.io/acme/shop-link:1.2",
      build: {
        context: "svc/link_service",
        dockerfile: "svc/link_service/Dockerfile",
        platform: "linux/arm64",
        cacheFrom: { images: ["docker.io/acme/shop-link:1.2"] },
      },
      // A preview must need neither the daemon nor minutes.
      buildOnPreview: false,
      skipPush: false,
    });
    expect(references).toMatchObject({
      link: expect.stringMatching(/^docker\.io\/acme\/shop-link@sha256:[0-9a-f]{64}$/),
    });
  });

  test("is built of what the service says", async () => {
    const choice = { dockerfile: "docker/Dockerfile", context: ".", target: "web", buildArgs: { SERVICE: "link" } };
    const { resources } = await declared({ source: "build" }, [sampleService("link", choice)]);
    expect(resources[image]).toMatchObject({
      build: {
        context: ".",
        dockerfile: "docker/Dockerfile",
        target: "web",
        args: { SERVICE: "link", BUILDKIT_INLINE_CACHE: "1" },
      },
    });
  });

  test("shows the registry's password nowhere", async () => {
    const { resources } = await declared({ source: "build" });
    expect(openEnvelope(resources[image]?.["registry"])).toEqual({
      server: "docker.io",
      username: "acme-ci",
      password: "hunter2",
    });
    expect(JSON.stringify(hideSecrets(resources))).not.toContain("hunter2");
  });
});

describe("a release record", () => {
  const recordFile = (): string => join(releases, "kustomization.yaml");
  const repository = "docker.io/acme/shop-link";
  const pinned = `sha256:${"0123456789abcdef".repeat(4)}`;
  const record = {
    apiVersion: "kustomize.config.k8s.io/v1alpha1",
    kind: "Component",
    images: [{ name: repository, digest: pinned }],
  };

  function read(content: unknown): ReturnType<typeof readReleaseRecord> {
    const file = recordFile();
    writeFileSync(file, typeof content === "string" ? content : stringify(content));
    return readReleaseRecord(file, repository);
  }

  test("stands where delivery writes it", () => {
    expect(releaseRecordPath("deploy", "prod", "social-graph")).toBe(
      "deploy/prod/social-graph/release/kustomization.yaml",
    );
  });

  test("says which digest runs", () => expect(read(record)).toEqual({ digest: pinned }));

  test("without a file nothing is released yet", () =>
    expect(readReleaseRecord(recordFile(), repository)).toEqual({ digest: undefined }));

  test.each<[what: string, content: unknown, problem: RegExp]>([
    ["an empty file", "", /must be a map|missing/i],
    ["a merge conflict", `<<<<<<< ours\n${stringify(record)}=======\n>>>>>>> theirs\n`, /is not YAML|must be a map/i],
    ["an alias of nothing", "images: *x\n", /is not YAML: Unresolved alias/],
    ["another kind", { ...record, kind: "Kustomization" }, /kind.*"Kustomization"/],
    ["no images", { ...record, images: [] }, /images.*exactly one image/],
    ["two images", { ...record, images: [...record.images, ...record.images] }, /images.*exactly one image/],
    [
      "a tag beside the digest",
      { ...record, images: [{ name: repository, digest: pinned, newTag: "0.2" }] },
      /images\.0\.newTag: unknown key/,
    ],
    [
      "a tag for a digest",
      { ...record, images: [{ name: repository, digest: "0.2" }] },
      /images\.0\.digest: "0\.2": must be sha256:/,
    ],
    [
      "a digest that is cut short",
      { ...record, images: [{ name: repository, digest: pinned.slice(0, -1) }] },
      /must be sha256:/,
    ],
    [
      "a digest in capitals",
      { ...record, images: [{ name: repository, digest: pinned.toUpperCase() }] },
      /must be sha256:/,
    ],
    [
      "another service's image",
      { ...record, images: [{ name: `${repository}-2`, digest: pinned }] },
      /"docker.io\/acme\/shop-link-2" is another image than docker.io\/acme\/shop-link;/,
    ],
  ])("%s is a problem in the file, and no digest", (_what, content, problem) => {
    const result = read(content);
    if (!("problems" in result)) throw new Error(`read ${JSON.stringify(result)}`);
    expect(result.problems.length).toBeGreaterThan(0);
    for (const { location } of result.problems) expect(location.startsWith(recordFile())).toBe(true);
    expect(result.problems.map(({ location, message }) => `${location}: ${message}`).join("\n")).toMatch(problem);
  });
});
