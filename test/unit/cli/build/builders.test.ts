import { describe, expect, test } from "vitest";
import { digestIn, imageBuilds } from "../../../../cli/build/build-images.ts";
import { buildFailure, isPassing, lastWord } from "../../../../cli/build/build-process.ts";
import { buildctl, buildxArguments, type ImageBuild } from "../../../../cli/build/builders.ts";
import { imageTags, type TagFacts } from "../../../../cli/build/image-tags.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";
const build: ImageBuild = {
  service: "link",
  repository: "docker.io/acme/shop-link",
  tags: ["0.2.117", commit],
  context: "/shop",
  dockerfile: "/shop/svc/link_service/Dockerfile",
  platform: "linux/amd64",
  push: true,
};
const local: ImageBuild = { ...build, repository: "localhost:5001/acme/shop-link" };
const daemon = buildctl("tcp://buildkit:1234");

describe("buildctl", () => {
  const argumentsOf = (of: ImageBuild): readonly string[] => daemon.command(of, "/tmp/metadata.json").args;

  test("builds for the platform with the layers in the registry, and pushes all tags at once", () => {
    expect(argumentsOf(build)).toEqual([
      "build",
      "--progress=plain",
      "--frontend=dockerfile.v0",
      "--local=context=/shop",
      "--local=dockerfile=/shop/svc/link_service",
      "--opt=filename=Dockerfile",
      "--opt=platform=linux/amd64",
      "--import-cache=type=registry,ref=docker.io/acme/shop-link:buildcache",
      "--export-cache=type=registry,ref=docker.io/acme/shop-link:buildcache,mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true",
      `--output=type=image,"name=docker.io/acme/shop-link:0.2.117,docker.io/acme/shop-link:${commit}",push=true`,
      "--metadata-file=/tmp/metadata.json",
    ]);
  });

  test("speaks plain HTTP with a registry on this machine, and with no other", () => {
    const registry = ["--import-cache", "--export-cache", "--output"];
    const plain = (of: ImageBuild): string[] =>
      argumentsOf(of)
        .filter((argument) => argument.includes("registry.insecure=true"))
        .map((argument) => argument.split("=")[0] ?? "");
    expect(plain(local)).toEqual(registry);
    expect(plain(build)).toEqual([]);
  });

  test("sends nothing to the registry without a push", () => {
    const args = argumentsOf({ ...build, push: false });
    expect(args.filter((argument) => /^--(output|export-cache)/.test(argument))).toEqual([]);
    expect(args).toContain("--import-cache=type=registry,ref=docker.io/acme/shop-link:buildcache");
  });
});

describe("docker buildx", () => {
  const argumentsOf = (of: ImageBuild): readonly string[] => buildxArguments(of, "/tmp/metadata.json", "registry");

  test("builds for the platform with the layers in the registry, and pushes all tags at once", () => {
    expect(argumentsOf(build)).toEqual([
      "buildx",
      "build",
      "--progress=plain",
      "--platform=linux/amd64",
      "--file=/shop/svc/link_service/Dockerfile",
      "--cache-from=type=registry,ref=docker.io/acme/shop-link:buildcache",
      "--provenance=false",
      "--tag=docker.io/acme/shop-link:0.2.117",
      `--tag=docker.io/acme/shop-link:${commit}`,
      "--cache-to=type=registry,ref=docker.io/acme/shop-link:buildcache,mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true",
      "--output=type=image,push=true",
      "--metadata-file=/tmp/metadata.json",
      "/shop",
    ]);
  });

  test("keeps layers within the image where the builder is the daemon's own, which exports no others", () => {
    const args = buildxArguments(build, "/tmp/metadata.json", "inline");
    expect(args).toContain("--cache-to=type=inline");
    expect(args).toContain("--tag=docker.io/acme/shop-link:buildcache");
    expect(args).toContain("--cache-from=type=registry,ref=docker.io/acme/shop-link:buildcache");
  });

  test("sends nothing to the registry without a push", () => {
    const args = argumentsOf({ ...build, push: false });
    expect(args.filter((argument) => /^--(tag|cache-to)/.test(argument))).toEqual([]);
    expect(args).toContain("--output=type=cacheonly");
  });
});

describe("the context is", () => {
  const service = { name: "link", directory: "shop/svc/link_service", port: 7070 };
  const images = {
    registry: "docker.io",
    organization: "acme",
    username: "ci",
    source: "registry",
    platform: "linux/arm64",
    tag: "0.2",
    context: "service",
  } as const;
  const monorepo = { app: { name: "shop", directory: "shop", services: "svc/*" }, root: "shop", services: [service] };

  test.each([
    ["service", "shop/svc/link_service"],
    ["app", "shop"],
  ] as const)("the directory that images.context %s names", (context, directory) => {
    const file = "stacks/Pulumi.dev.yaml";
    const [first] = imageBuilds({ ...monorepo, file, images: { ...images, context } }, [service], {
      tags: ["0.2.1"],
      push: true,
    });
    expect(first).toEqual({
      service: "link",
      repository: "docker.io/acme/shop-link",
      tags: ["0.2.1"],
      context: `${process.cwd()}/${directory}`,
      dockerfile: `${process.cwd()}/shop/svc/link_service/Dockerfile`,
      platform: "linux/arm64",
      push: true,
    });
  });
});

const status: TagFacts = {
  stableTag: "0.2",
  buildNumber: "117",
  commit,
  releasable: true,
  movesStableTag: false,
};
test.each<[what: string, facts: TagFacts, tags: string[]]>([
  ["a build of CI", status, ["0.2.117", commit]],
  ["a build by hand", { ...status, buildNumber: undefined }, [commit]],
  ["a build that Argo CD Image Updater is to notice", { ...status, movesStableTag: true }, ["0.2.117", commit, "0.2"]],
  ["a build of a branch", { ...status, releasable: false, movesStableTag: true }, [commit]],
])("the tags of %s", (_what, given, tags) => expect(imageTags(given)).toEqual(tags));

test("the digest is that of what was pushed, not of its configuration", () => {
  const digest = `sha256:${"1".repeat(64)}`;
  const metadata = { "containerimage.config.digest": `sha256:${"2".repeat(64)}`, "containerimage.digest": digest };
  expect(digestIn(JSON.stringify(metadata))).toBe(digest);
  expect(digestIn("{}")).toBeUndefined();
});

describe("a failure", () => {
  const push = `failed to push docker.io/acme/shop-link:0.2.117`;
  const step = `process "/bin/sh -c curl http://db" did not complete successfully: exit code: 7`;

  test.each([
    `${push}: failed to do request: Head "https://registry-1.docker.io/v2/": dial tcp 127.0.0.1:443: connect: connection refused`,
    `${push}: unexpected status from PUT request to https://registry-1.docker.io/v2/x: 503 Service Unavailable`,
    `${push}: unexpected status from POST request to https://registry-1.docker.io/v2/x: 429 Too Many Requests`,
    `${push}: failed to do request: Put "https://registry-1.docker.io/v2/x": net/http: TLS handshake timeout`,
    `${push}: failed to do request: Put "https://registry-1.docker.io/v2/x": EOF`,
    `failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://auth.docker.io/token: 502 Bad Gateway`,
    `golang:1.26: failed to resolve source metadata for docker.io/library/golang:1.26: dial tcp: i/o timeout`,
  ])("may pass by itself: %s", (message) => expect(isPassing(message)).toBe(true));

  test.each([
    step,
    `process "/bin/sh -c echo connection refused; exit 1" did not complete successfully: exit code: 1`,
    `${push}: unexpected status from HEAD request to https://registry-1.docker.io/v2/x: 401 Unauthorized`,
    `${push}: push access denied, repository does not exist or may require authorization: insufficient_scope`,
    `failed to read dockerfile: open Dockerfile: no such file or directory`,
    `listing workers for Build: failed to list workers: Unavailable: connection error: desc = "transport: Error while dialing: dial unix /x: connect: connection refused"`,
  ])("stays as it is: %s", (message) => expect(isPassing(message)).toBe(false));

  test.each([
    ["buildctl", `error: failed to solve: ${push}: EOF`],
    ["docker buildx", `ERROR: failed to build: failed to solve: ${push}: EOF`],
  ])("comes down to the last word of %s", (_builder, line) => {
    expect(lastWord(["#1 DONE", line, "", "View build details: docker-desktop://x"])).toBe(`${push}: EOF`);
  });

  test.each<[what: string, message: string, reason: RegExp]>([
    [
      "an unreachable registry",
      `${push}: dial tcp: connect: connection refused`,
      /^docker\.io\/acme\/shop-link is not pushed: the registry docker\.io cannot be reached or stumbles, tried 4 times \(.*refused\); run the same command again/,
    ],
    [
      "a refused login",
      `${push}: unexpected status from HEAD request to https://registry-1.docker.io/v2/x: 401 Unauthorized`,
      /is not pushed: the registry docker\.io refuses it .*; check DOCKERHUB_USERNAME and DOCKERHUB_PASSWORD/,
    ],
    [
      "a BuildKit that is not there",
      "listing workers for Build: failed to list workers: Unavailable",
      /is not built: BuildKit at tcp:\/\/buildkit:1234 \(BUILDKIT_HOST\) does not answer/,
    ],
  ])("of %s names image, registry and way out", (_what, message, reason) => {
    expect(buildFailure(build, daemon, [`error: failed to solve: ${message}`], 4)).toMatch(reason);
  });

  test("of a step shows the last lines of that step and its place in the Dockerfile", () => {
    const output = [
      "#3 ERROR: not found",
      "#9 ERROR: exit code: 7",
      "------",
      " > importing cache manifest from docker.io/acme/shop-link:buildcache:",
      "------",
      "------",
      " > [builder 4/4] RUN curl http://db:",
      "0.2 curl: (7) Failed to connect",
      "------",
      "Dockerfile:4",
      "--------------------",
      "   4 | >>> RUN curl http://db",
      "--------------------",
      `error: failed to solve: ${step}`,
    ];
    expect(buildFailure(build, daemon, output, 1)).toBe(
      [
        `docker.io/acme/shop-link is not built from /shop/svc/link_service/Dockerfile: ${step}`,
        "   > [builder 4/4] RUN curl http://db:",
        "  0.2 curl: (7) Failed to connect",
        "  Dockerfile:4",
        "     4 | >>> RUN curl http://db",
      ].join("\n"),
    );
  });
});
