import { describe, expect, test } from "vitest";
import { buildFailure, isTransient, builderMessage } from "../../../../cli/build/build-failure.ts";
import { buildctl, type ImageBuild } from "../../../../cli/build/builders.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";
const build: ImageBuild = {
  service: "link",
  repository: "docker.io/acme/shop-link",
  tags: ["0.2.117", commit],
  context: "/shop",
  dockerfile: "/shop/svc/link_service/Dockerfile",
  platforms: ["linux/amd64"],
  push: true,
};
const daemon = buildctl("tcp://buildkit:1234");

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
  ])("may pass by itself: %s", (message) => expect(isTransient(message)).toBe(true));

  test.each([
    step,
    `process "/bin/sh -c echo connection refused; exit 1" did not complete successfully: exit code: 1`,
    `${push}: unexpected status from HEAD request to https://registry-1.docker.io/v2/x: 401 Unauthorized`,
    `${push}: push access denied, repository does not exist or may require authorization: insufficient_scope`,
    `failed to read dockerfile: open Dockerfile: no such file or directory`,
    `listing workers for Build: failed to list workers: Unavailable: connection error: desc = "transport: Error while dialing: dial unix /x: connect: connection refused"`,
  ])("stays as it is: %s", (message) => expect(isTransient(message)).toBe(false));

  test.each([
    ["buildctl", `error: failed to solve: ${push}: EOF`],
    ["docker buildx", `ERROR: failed to build: failed to solve: ${push}: EOF`],
  ])("comes down to the last word of %s", (_builder, line) => {
    expect(builderMessage(["#1 DONE", line, "", "View build details: docker-desktop://x"])).toBe(`${push}: EOF`);
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
      "a repository that the registry does not make by a push",
      `${push}: unexpected status from POST request to https://123456789012.dkr.ecr.eu-west-1.amazonaws.com/v2/x/blobs/uploads/: 404 Not Found: name unknown: The repository with name 'x' does not exist in the registry with id '123456789012'`,
      /is not pushed: the registry docker\.io has no such repository, and makes none by a push \(.*\); create it there/,
    ],
    [
      "a BuildKit that is not there",
      "listing workers for Build: failed to list workers: Unavailable",
      /is not built: BuildKit at tcp:\/\/buildkit:1234 \(BUILDKIT_HOST\) does not answer/,
    ],
  ])("of %s names image, registry and what to do", (_what, message, reason) => {
    expect(buildFailure(build, daemon, [`error: failed to solve: ${message}`], 4)).toMatch(reason);
  });

  const two: ImageBuild = { ...build, platforms: ["linux/amd64", "linux/arm64"] };
  test.each<[what: string, output: readonly string[], reason: RegExp]>([
    [
      "a builder for one platform alone",
      ["ERROR: failed to build: Multi-platform build is not supported for the docker driver."],
      /no image for several platforms \(linux\/amd64, linux\/arm64\); choose one that does by `docker buildx create --use`/,
    ],
    [
      "an older one",
      ["ERROR: multiple platforms feature is currently not supported for docker driver. Please switch"],
      /no image for several platforms/,
    ],
    [
      "a missing emulation",
      [
        "#9 0.1 exec /bin/sh: exec format error",
        'error: failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 255',
      ],
      /^docker\.io\/acme\/shop-link is not built for linux\/amd64, linux\/arm64: a step of \S+ runs a program of another platform.*cross-compile/,
    ],
    [
      "a base image without the platform",
      [
        "error: failed to solve: acme/base:1: failed to resolve source metadata for docker.io/acme/base:1: no match for platform in manifest: not found",
      ],
      /docker\.io\/acme\/base:1 cannot be pulled: it is not there for every platform of linux\/amd64, linux\/arm64/,
    ],
  ])("for several platforms because of %s says what to do", (_what, output, reason) => {
    expect(buildFailure(two, daemon, output, 1)).toMatch(reason);
  });

  test("of a step shows the last lines of that step and its lines in the Dockerfile", () => {
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

const commitTag = `docker.io/acme/shop-link:${commit}`;
const pullOf = (name: string): string => `${name}: failed to resolve source metadata for ${name}: `;
const pullLimit =
  "toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit";

describe("whose failure it is", () => {
  test.each<[what: string, push: boolean, message: string, reason: RegExp]>([
    [
      "pull limit of Docker Hub, by the address",
      false,
      `golang:1.26: failed to copy: httpReadSeeker: failed open: unexpected status from GET request to https://registry-1.docker.io/v2/library/golang/manifests/sha256:0: 429 Too Many Requests: ${pullLimit}`,
      /is not built: docker\.io\/library\/golang cannot be pulled: the registry docker\.io limits pulls.*; set DELIVERY_PULL_USERNAME and DELIVERY_PULL_PASSWORD to/,
    ],
    [
      "pull limit, by the source",
      true,
      `${pullOf("docker.io/library/golang:1.26")}failed to copy: 429 Too Many Requests: ${pullLimit}`,
      /is not built: docker\.io\/library\/golang:1\.26 cannot be pulled: the registry docker\.io limits pulls/,
    ],
    [
      "private base in another registry",
      false,
      `${pullOf("registry.acme.example/base/node:24")}failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://registry.acme.example/token: 401 Unauthorized`,
      /is not built: registry\.acme\.example\/base\/node:24 cannot be pulled: the registry registry\.acme\.example does not give it .*; correct its name in the Dockerfile, or set DELIVERY_PULL_USERNAME and DELIVERY_PULL_PASSWORD with DELIVERY_PULL_REGISTRY=registry\.acme\.example to/,
    ],
    [
      "private base while pushing",
      true,
      `${pullOf("localhost:5001/acme/base:1")}unexpected status from HEAD request to http://localhost:5001/v2/acme/base/manifests/1: 403 Forbidden`,
      /is not built: localhost:5001\/acme\/base:1 cannot be pulled/,
    ],
    [
      "private base, in Docker's own words",
      false,
      "acme/base:1: pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
      /is not built: acme\/base:1 cannot be pulled: the registry docker\.io does not give it/,
    ],
    [
      "a token for pulling, by its scope",
      true,
      "failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://auth.docker.io/token?scope=repository%3Aacme%2Fbase%3Apull&service=registry.docker.io: 401 Unauthorized",
      /is not built: acme\/base cannot be pulled/,
    ],
    [
      "a token for pushing, by its scope",
      true,
      "failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://auth.docker.io/token?scope=repository%3Aacme%2Fshop-link%3Apull%2Cpush&service=registry.docker.io: 401 Unauthorized",
      /is not pushed: the registry docker\.io refuses it/,
    ],
    [
      "a base that is not there",
      true,
      `${pullOf("docker.io/library/golang:9.99")}docker.io/library/golang:9.99: not found`,
      /is not built: docker\.io\/library\/golang:9\.99 cannot be pulled: the registry docker\.io does not have it .*; correct its name/,
    ],
    [
      "a registry of a base that is down",
      true,
      `${pullOf("ghcr.io/acme/base:1")}failed to do request: Head "https://ghcr.io/v2/acme/base/manifests/1": dial tcp: i/o timeout`,
      /is not built: ghcr\.io\/acme\/base:1 cannot be pulled: the registry ghcr\.io cannot be reached/,
    ],
    [
      "an immutable tag of Docker Hub",
      true,
      "failed to push docker.io/acme/shop-link:latest.7: denied: requested access to the resource is denied: tag latest.7 is already assigned to an image in this repository and cannot be updated due to immutability settings",
      /is not pushed: the registry docker\.io has tag latest\.7 already and lets nobody change it .*--build-number/,
    ],
    [
      "an immutable tag of Amazon's registry",
      true,
      `failed to push ${commitTag}: unexpected status from PUT request to https://x/v2/acme/shop-link/manifests/y: 400 Bad Request: the image tag 'y' already exists in the 'acme/shop-link' repository and cannot be overwritten because the tag is immutable.`,
      /has tag 0123456789abcdef0123456789abcdef01234567 already/,
    ],
    [
      "a limit of pushes",
      true,
      `failed to push ${commitTag}: 429 Too Many Requests`,
      /is not pushed: .* limits requests/,
    ],
    [
      "our own login",
      true,
      `failed to push ${commitTag}: push access denied: insufficient_scope`,
      /check DOCKERHUB_USERNAME/,
    ],
  ])("%s", (_what, push, message, reason) => {
    expect(
      buildFailure({ ...build, push }, daemon, [`ERROR: failed to build: failed to solve: ${message}`], 1),
    ).toMatch(reason);
  });

  test("the step that the builder names counts before its words", () => {
    const output = [
      "------",
      " > [internal] load metadata for ghcr.io/acme/base:1:",
      "------",
      "ERROR: failed to solve: unexpected status from HEAD request to https://mirror.example/v2/x/manifests/1: 403 Forbidden",
    ];
    expect(buildFailure(build, daemon, output, 1)).toMatch(/is not built: ghcr\.io\/acme\/base:1 cannot be pulled/);
  });

  test("a pull limit of hours is not tried again", () => {
    expect(isTransient(`golang:1.26: failed to copy: 429 Too Many Requests: ${pullLimit}`)).toBe(false);
  });
});
