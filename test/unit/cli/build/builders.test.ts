import { describe, expect, test } from "vitest";
import { buildctl, buildxArguments, type ImageBuild } from "../../../../cli/build/builders.ts";

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

  test("builds a stage with arguments", () => {
    const args = argumentsOf({ ...build, target: "web", buildArgs: { SERVICE: "link", FLAGS: "-a,b =c" } });
    expect(args.filter((argument) => /target|build-arg/.test(argument))).toEqual([
      "--opt=target=web",
      "--opt=build-arg:SERVICE=link",
      "--opt=build-arg:FLAGS=-a,b =c",
    ]);
  });

  test("makes an index of several platforms", () => {
    const args = argumentsOf({ ...build, platforms: ["linux/amd64", "linux/arm64"] });
    expect(args.filter((argument) => argument.includes("platform"))).toEqual([
      "--opt=platform=linux/amd64,linux/arm64",
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

test.each([
  ["buildctl", (of: ImageBuild) => daemon.command(of, "/tmp/metadata.json").args],
  ["buildx", (of: ImageBuild) => buildxArguments(of, "/tmp/metadata.json", "registry")],
  ["the daemon's own builder", (of: ImageBuild) => buildxArguments(of, "/tmp/metadata.json", "inline")],
])("%s leaves no layers of a branch's image where others begin with them", (_, argumentsOf) => {
  const writing = (of: ImageBuild): readonly string[] =>
    argumentsOf(of).filter((argument) => /^--(cache-to|export-cache|tag=.*:buildcache)/.test(argument));
  expect(writing(build)).not.toEqual([]);
  expect(writing({ ...build, keepsLayers: false })).toEqual([]);
  expect(argumentsOf({ ...build, keepsLayers: false }).join()).toContain(`docker.io/acme/shop-link:${commit}`);
});

describe("docker buildx", () => {
  const argumentsOf = (of: ImageBuild): readonly string[] => buildxArguments(of, "/tmp/metadata.json", "registry");

  test("builds a stage with arguments", () => {
    const args = argumentsOf({ ...build, target: "web", buildArgs: { SERVICE: "link", FLAGS: "-a,b =c" } });
    expect(args.filter((argument) => /target|build-arg/.test(argument))).toEqual([
      "--target=web",
      "--build-arg=SERVICE=link",
      "--build-arg=FLAGS=-a,b =c",
    ]);
  });

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

  test("makes an index of several platforms", () => {
    const args = argumentsOf({ ...build, platforms: ["linux/amd64", "linux/arm64"] });
    expect(args.filter((argument) => argument.includes("platform"))).toEqual(["--platform=linux/amd64,linux/arm64"]);
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
