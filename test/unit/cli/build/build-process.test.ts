import { describe, expect, test } from "vitest";
import { buildFailure, isTransient, builderMessage } from "../../../../cli/build/build-process.ts";
import { buildctl, type ImageBuild } from "../../../../cli/build/builders.ts";

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
      "a BuildKit that is not there",
      "listing workers for Build: failed to list workers: Unavailable",
      /is not built: BuildKit at tcp:\/\/buildkit:1234 \(BUILDKIT_HOST\) does not answer/,
    ],
  ])("of %s names image, registry and what to do", (_what, message, reason) => {
    expect(buildFailure(build, daemon, [`error: failed to solve: ${message}`], 4)).toMatch(reason);
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
