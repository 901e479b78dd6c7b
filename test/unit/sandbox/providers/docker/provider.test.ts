import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isMap } from "../../../../../kubernetes/json.ts";
import { hostPlatform } from "../../../../../sandbox/providers/docker/image-inputs.ts";
import { isLoopback, parseImageName, registryHost } from "../../../../../sandbox/providers/docker/image-name.ts";
import { createDockerProvider } from "../../../../../sandbox/providers/docker/provider.ts";
import { secret, unknown, type PropertyMap, type PropertyValue } from "../../../../../sandbox/providers/property.ts";
import type {
  CheckResult,
  ConfiguredProvider,
  DiffResult,
} from "../../../../../sandbox/providers/resource-provider.ts";

const type = "docker:index/image:Image";
const resource = { urn: `urn:pulumi:dev::app::${type}::link`, type, name: "link" };
const none = new Uint8Array();

let directory: string;
let provider: ConfiguredProvider;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "docker-provider-"));
  mkdirSync(join(directory, "app"));
  writeFileSync(join(directory, "Dockerfile"), "FROM scratch\n");
  writeFileSync(join(directory, "app/Dockerfile"), "FROM scratch\n");
  const buildKit = () => Promise.reject(new Error("BuildKit is not to be started"));
  provider = await createDockerProvider({ directory, buildKit }).configure({});
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

const imageName = "localhost:5001/acme/link:1";
const check = (news: PropertyMap, kind = type): Promise<CheckResult> =>
  provider.check({ ...resource, type: kind, olds: {}, news, randomSeed: none });
const reasons = async (news: PropertyMap): Promise<string[]> =>
  ((await check(news)).failures ?? []).map(({ reason }) => reason);
const diff = (olds: PropertyMap, news: PropertyMap): Promise<DiffResult> =>
  provider.diff({ ...resource, id: "x", olds: { __inputs: secret(olds) }, oldInputs: olds, news, ignoreChanges: [] });

async function checkedBuild(news: PropertyMap): Promise<PropertyMap> {
  const { inputs, failures } = await check(news);
  expect(failures).toEqual([]);
  const build = inputs["build"];
  if (!isMap(build)) throw new Error("there is no build");
  return build;
}

describe("check", () => {
  test("fills in context, Dockerfile, platform and the context's digest", async () => {
    const build = await checkedBuild({ imageName });
    expect(build).toEqual({
      context: ".",
      dockerfile: "Dockerfile",
      platform: hostPlatform(),
      contextDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect((await check({ imageName })).inputs["buildOnPreview"]).toBe(false);
  });

  test("looks for the Dockerfile in the context unless it is given", async () => {
    expect(await checkedBuild({ imageName, build: { context: "./app", platform: "linux/arm64" } })).toMatchObject({
      context: "./app",
      dockerfile: "app/Dockerfile",
      platform: "linux/arm64",
    });
    expect(
      await checkedBuild({ imageName, build: { context: "app", dockerfile: "Dockerfile", target: null } }),
    ).toMatchObject({ context: "app", dockerfile: "Dockerfile" });
  });

  test("leaves unknowns unknown and secrets secret", async () => {
    const registry = { server: "localhost:5001", username: "acme", password: secret("Geheim") };
    const { inputs, failures } = await check({
      imageName: unknown,
      build: { context: unknown, args: { TOKEN: secret("t") } },
      registry,
    });
    expect(failures).toEqual([]);
    expect(inputs).toMatchObject({
      imageName: unknown,
      build: { context: unknown, args: { TOKEN: secret("t") } },
      registry,
    });
    expect(inputs["build"]).not.toHaveProperty("contextDigest");
    expect((await check({ imageName, build: unknown })).inputs["build"]).toBe(unknown);
    expect((await check({ imageName, build: secret({}) })).inputs["build"]).toEqual(
      secret(await checkedBuild({ imageName })),
    );
  });

  test.each<[string, PropertyMap, string]>([
    ["no name", {}, "imageName: it is missing"],
    [
      "a name without a registry",
      { imageName: "acme/link" },
      'imageName: "acme/link" does not tell its registry: write the name in full, as docker.io/acme/link',
    ],
    ["a name in capitals", { imageName: "docker.io/acme/Link" }, "must be in lower case"],
    ["a name with a digest", { imageName: "docker.io/acme/link@sha256:0" }, 'leave out everything from "@" on'],
    ["a name of another type", { imageName: 5 }, "imageName: it is a number: a string is needed"],
    [
      "an absent Dockerfile",
      { imageName, build: { dockerfile: "app/Dockerfile.dev" } },
      "build.dockerfile: there is no Dockerfile at ",
    ],
    [
      "an absent context",
      { imageName, build: { context: "nowhere", dockerfile: "Dockerfile" } },
      "build.context: there is no folder ",
    ],
    ["the old builder", { imageName, build: { builderVersion: "BuilderV1" } }, "the sandbox builds by BuildKit only"],
    ["an unknown builder", { imageName, build: { builderVersion: "kaniko" } }, '"kaniko" is no builder'],
    [
      "an argument of another type",
      { imageName, build: { args: { N: 1 } } },
      "build.args.N: it is a number: a string is needed",
    ],
    ["a cache without images", { imageName, build: { cacheFrom: {} } }, "build.cacheFrom: it has no images"],
    [
      "a password of another type",
      { imageName, registry: { password: secret(12345) } },
      "registry.password: it is a number",
    ],
  ])("refuses %s", async (_what, news, message) => {
    expect((await reasons(news)).join("\n")).toContain(message);
    // The engine prints the value of the property that a failure names, secret or not.
    expect((await check(news)).failures?.map(({ property }) => property)).not.toContainEqual(
      expect.stringMatching(/./),
    );
  });

  test("tells where a Dockerfile given relative to its context is", async () => {
    writeFileSync(join(directory, "app/Other"), "");
    expect(await reasons({ imageName, build: { context: "./app", dockerfile: "Other" } })).toEqual([
      expect.stringContaining('set dockerfile to "app/Other"'),
    ]);
  });

  test("a name may be short where the registry is given or nothing is pushed", async () => {
    expect(await reasons({ imageName: "acme/link", registry: { server: "docker.io" } })).toEqual([]);
    expect(await reasons({ imageName: "link", skipPush: true })).toEqual([]);
    expect(
      await reasons({ imageName: "link", skipPush: true, build: { cacheFrom: { images: ["docker.io/acme/link"] } } }),
    ).toHaveLength(1);
  });

  test("refuses all but images, and names the official plugin", async () => {
    await expect(check({}, "docker:index/network:Network")).rejects.toThrow(
      /not docker:index\/network:Network: the official plugin/,
    );
    await expect(provider.invoke("docker:index/getNetwork:getNetwork", {}, false)).rejects.toThrow(/getNetwork/);
  });
});

describe("diff", () => {
  const registry = { server: "localhost:5001", username: "acme", password: "old" };
  const olds: PropertyMap = {
    imageName,
    build: { context: ".", contextDigest: "1" },
    buildOnPreview: false,
    skipPush: false,
    registry,
  };
  const cases: [string, Record<string, PropertyValue>, DiffResult["detailedDiff"]][] = [
    ["nothing", {}, {}],
    ["a file", { build: { context: ".", contextDigest: "2" } }, { build: "update" }],
    ["an argument", { build: { context: ".", contextDigest: "1", args: { A: secret("1") } } }, { build: "update" }],
    ["the name", { imageName: "localhost:5001/acme/link:2" }, { imageName: "update" }],
    ["the password and the user", { registry: { ...registry, username: "other", password: secret("new") } }, {}],
    ["the secrecy of the password", { registry: { ...registry, password: secret("old") } }, {}],
    ["the server", { registry: { ...registry, server: "docker.io" } }, { registry: "update" }],
    ["an unknown build", { build: unknown }, { build: "update" }],
    ["an unknown registry", { registry: unknown }, { registry: "update" }],
  ];
  test.each(cases)("%s", async (_what, change, expected) => {
    expect((await diff(olds, { ...olds, ...change })).detailedDiff).toEqual(expected);
  });

  test("an added and a removed argument", async () => {
    const { registry: _, ...without } = olds;
    expect((await diff(without, olds)).detailedDiff).toEqual({ registry: "add" });
    expect((await diff(olds, without)).detailedDiff).toEqual({ registry: "delete" });
  });
});

describe("preview", () => {
  test("echoes the inputs and starts nothing", async () => {
    const inputs = { imageName, build: { context: "." }, buildOnPreview: false };
    expect(await provider.create({ ...resource, inputs, preview: true, timeoutSeconds: 0 })).toEqual({
      id: "",
      outputs: inputs,
    });
    expect(
      await provider.update({
        ...resource,
        id: "x",
        olds: {},
        oldInputs: {},
        news: inputs,
        ignoreChanges: [],
        preview: true,
        timeoutSeconds: 0,
      }),
    ).toEqual(inputs);
  });

  test("builds where it is asked to and all is known", async () => {
    const { inputs } = await check({ imageName, buildOnPreview: true });
    await expect(provider.create({ ...resource, inputs, preview: true, timeoutSeconds: 0 })).rejects.toThrow(
      "BuildKit is not to be started",
    );
    const vague = { ...inputs, imageName: unknown };
    expect(await provider.create({ ...resource, inputs: vague, preview: true, timeoutSeconds: 0 })).toEqual({
      id: "",
      outputs: vague,
    });
  });
});

test("read keeps the state, delete leaves the registry alone", async () => {
  const state = { repoDigest: "a" };
  expect(await provider.read({ ...resource, id: "x", state, inputs: { imageName } })).toEqual({
    id: "x",
    outputs: state,
    inputs: { imageName },
  });
  await provider.delete({ ...resource, id: "x", state, oldInputs: {}, timeoutSeconds: 0 });
});

describe("image names", () => {
  test.each([
    ["link", "docker.io", "docker.io/library/link"],
    ["acme/link:1.2", "docker.io", "docker.io/acme/link:1.2"],
    ["docker.io/link", "docker.io", "docker.io/library/link"],
    ["index.docker.io/acme/link", "docker.io", "docker.io/acme/link"],
    ["localhost/link", "localhost", "localhost/link"],
    ["localhost:5001/a/b/c--d:x", "localhost:5001", "localhost:5001/a/b/c--d:x"],
    ["[::1]:5001/link", "[::1]:5001", "[::1]:5001/link"],
    ["Acme/link", "Acme", "Acme/link"],
  ])("%s", (name, registry, full) => {
    expect(parseImageName(name)).toMatchObject({ registry, full });
  });

  test.each([
    "",
    "a:",
    "a b",
    "docker.io/acme/",
    "docker.io//x",
    "a.b/x..y",
    "-a.b/x",
    `x.y/${"a".repeat(256)}`,
    "0".repeat(64),
  ])("refuses %j", (name) => {
    expect(() => parseImageName(name)).toThrow(/image name/);
  });

  test("hosts", () => {
    expect(
      ["https://index.docker.io/v1/", "ghcr.io", "1.dkr.ecr.amazonaws.com/repo", "http://localhost:5001"].map(
        registryHost,
      ),
    ).toEqual(["index.docker.io", "ghcr.io", "1.dkr.ecr.amazonaws.com", "localhost:5001"]);
    expect(
      [
        "localhost:5001",
        "127.0.0.1",
        "127.1.2.3:80",
        "[::1]:5",
        "docker.io",
        "localhost.example.com",
        "10.0.0.1:5",
      ].map(isLoopback),
    ).toEqual([true, true, true, true, false, false, false]);
  });
});
