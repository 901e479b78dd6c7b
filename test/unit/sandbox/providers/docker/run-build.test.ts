import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildCommand, type ImageBuild } from "../../../../../sandbox/providers/docker/build-command.ts";
import { parseImageName } from "../../../../../sandbox/providers/docker/image-name.ts";
import { buildQueue, createDockerProvider } from "../../../../../sandbox/providers/docker/provider.ts";
import { secret, type PropertyMap } from "../../../../../sandbox/providers/property.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "docker-provider-"));
  writeFileSync(join(directory, "Dockerfile"), "FROM scratch\n");
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

describe("the call of buildctl", () => {
  const command = (change: Partial<ImageBuild> = {}) => {
    const build: ImageBuild = {
      image: parseImageName("localhost:5001/acme/link:1"),
      push: true,
      directory,
      context: ".",
      dockerfile: "Dockerfile",
      args: {},
      secretArgs: new Set(),
      cacheFrom: [],
      addHosts: [],
      network: undefined,
      target: undefined,
      platform: "linux/amd64",
      ...change,
    };
    return buildCommand(build, "unix:///b.sock", "/metadata.json");
  };
  const added = (change: Partial<ImageBuild>): string[] => {
    const plain = command().args;
    return command(change).args.filter((argument) => !plain.includes(argument));
  };

  test("names context, Dockerfile, platform and output", () => {
    expect(command().args.join(" ")).toBe(
      `--addr unix:///b.sock build --progress rawjson --frontend dockerfile.v0 --local context=${directory} --local dockerfile=${directory} --opt filename=Dockerfile --opt platform=linux/amd64` +
        " --output type=image,name=localhost:5001/acme/link:1,push=true,registry.insecure=true --metadata-file /metadata.json",
    );
  });

  test.each<[string, Partial<ImageBuild>, string[]]>([
    [
      "another registry by TLS",
      { image: parseImageName("acme/link") },
      ["type=image,name=docker.io/acme/link,push=true"],
    ],
    ["no push", { push: false }, ["type=image,name=localhost:5001/acme/link:1,push=false,registry.insecure=true"]],
    ["a target", { target: "test" }, ["target=test"]],
    ["arguments", { args: { A: "1,2=3" } }, ["build-arg:A=1,2=3"]],
    [
      "an inline cache",
      { args: { BUILDKIT_INLINE_CACHE: "1" } },
      ["build-arg:BUILDKIT_INLINE_CACHE=1", "--export-cache", "type=inline"],
    ],
    ["no inline cache", { args: { BUILDKIT_INLINE_CACHE: "0" } }, ["build-arg:BUILDKIT_INLINE_CACHE=0"]],
    ["caches", { cacheFrom: ["docker.io/acme/link"] }, ["--import-cache", "type=registry,ref=docker.io/acme/link"]],
    ["hosts", { addHosts: ["db:10.0.0.1", "six:::1"] }, ["add-hosts=db=10.0.0.1,six=::1"]],
    ["the host's network", { network: "host" }, ["force-network-mode=host", "--allow", "network.host"]],
    ["no network", { network: "none" }, ["force-network-mode=none"]],
  ])("with %s", (_what, change, expected) => {
    expect(added(change)).toEqual(expected);
  });

  test("keeps secret arguments out of the list of processes", () => {
    const { args, env } = command({ args: { TOKEN: "Geheim" }, secretArgs: new Set(["TOKEN"]) });
    expect(args).toContain("build-arg:TOKEN");
    expect(args.join(" ")).not.toContain("Geheim");
    expect(env).toEqual({ TOKEN: "Geheim" });
  });

  test.each([
    ["# syntax=docker/dockerfile:1\nFROM scratch", ["cmdline=docker/dockerfile:1"]],
    ["# escape=`\n# syntax = docker/dockerfile:1.7\nFROM scratch", ["cmdline=docker/dockerfile:1.7"]],
    ["# syntax=docker/dockerfile:1-labs\nFROM scratch", []],
    ["# syntax=acme/frontend\nFROM scratch", []],
    ["# just a comment\n# syntax=docker/dockerfile:1\nFROM scratch", []],
  ])("builds in the standard frontend: %j", (dockerfile, expected) => {
    writeFileSync(join(directory, "Other"), dockerfile);
    expect(added({ dockerfile: "Other" })).toEqual(["filename=Other", ...expected]);
  });

  test("refuses what BuildKit cannot take", () => {
    expect(() => command({ network: "bridge" })).toThrow(/build.network is "bridge".*"default", "host" or "none"/);
    expect(() => command({ addHosts: ["db"] })).toThrow(/build.addHosts has the entry "db"/);
  });
});

describe("a build", () => {
  const type = "docker:index/image:Image";
  const resource = { urn: `urn:pulumi:dev::app::${type}::link`, type, name: "link" };
  const imageName = "localhost:5001/acme/link:1";
  const registry = { server: "localhost:5001", username: "acme", password: secret("Geheim") };
  const digest = `sha256:${"a".repeat(64)}`;
  const metadata = JSON.stringify({
    "containerimage.digest": digest,
    "containerimage.config.digest": `sha256:${"b".repeat(64)}`,
  });

  /** A shell script in place of buildctl; its last argument is the metadata file. */
  function create(script: string, inputs: PropertyMap = {}, timeoutSeconds = 0) {
    const buildctl = join(directory, "buildctl-stand-in");
    writeFileSync(buildctl, `#!/bin/sh\nfor last; do :; done\ncd '${directory}'\n${script}\n`, { mode: 0o755 });
    const lines: string[] = [];
    const log = {
      status: (_urn: string, text: string) => void lines.push(text),
      message: (_severity: string, _urn: string, text: string) => void lines.push(text),
    };
    const provider = createDockerProvider({
      directory,
      buildKit: () => Promise.resolve({ address: "unix:///b.sock", buildctl }),
    });
    const created = (async () => {
      const configured = await provider.configure({}, log);
      const { inputs: checked } = await configured.check({
        ...resource,
        olds: {},
        news: { imageName, registry, ...inputs },
        randomSeed: new Uint8Array(),
      });
      return await configured.create({ ...resource, inputs: checked, preview: false, timeoutSeconds });
    })();
    return { created, lines };
  }

  const vertex = (fields: object) =>
    `echo '${JSON.stringify({ vertexes: [{ digest: "d", name: "[1/1] RUN make", started: "now", ...fields }] })}' >&2`;
  const output = (text: string) =>
    `echo '${JSON.stringify({ logs: [{ vertex: "d", data: Buffer.from(text).toString("base64") }] })}' >&2`;

  test("gives the outputs of the official plugin, and its inputs as one secret", async () => {
    const { created, lines } = create(`${vertex({})}\n${output("one\ntwo\n")}\necho '${metadata}' > "$last"`);
    const { id, outputs } = await created;
    expect(id).toBe(imageName);
    expect(outputs).toEqual({
      __inputs: secret(
        expect.objectContaining({
          imageName,
          registry: { server: "localhost:5001", username: "acme", password: "Geheim" },
        }),
      ),
      baseImageName: imageName,
      context: ".",
      dockerfile: "Dockerfile",
      imageName,
      platform: expect.stringMatching(/^linux\//),
      registryServer: "localhost:5001",
      repoDigest: `localhost:5001/acme/link@${digest}`,
    });
    expect(lines).toEqual(expect.arrayContaining(["[1/1] RUN make", "two", `pushed ${digest}`]));
  });

  test("tells an image that stays here by its id", async () => {
    const { created } = create(`echo '${metadata}' > "$last"`, { skipPush: true });
    expect((await created).outputs["repoDigest"]).toBe(`sha256:${"b".repeat(64)}`);
  });

  test("hands credentials over in a private folder, which is gone afterwards", async () => {
    const { created } = create(
      `echo "$@" > argv\necho "$DOCKER_CONFIG" > folder\nstat -c %a "$DOCKER_CONFIG" "$DOCKER_CONFIG/config.json" > modes\ncat "$DOCKER_CONFIG/config.json" > config\necho '${metadata}' > "$last"`,
    );
    await created;
    const read = (name: string): string => readFileSync(join(directory, name), "utf8").trim();
    expect(JSON.parse(read("config"))).toEqual({
      auths: { "localhost:5001": { auth: Buffer.from("acme:Geheim").toString("base64") } },
    });
    expect(read("modes")).toBe("700\n600");
    expect(read("argv")).not.toContain("Geheim");
    expect(existsSync(read("folder"))).toBe(false);
  });

  test("tells a failing step's last lines and the Dockerfile's line, without secrets", async () => {
    const message = 'process "/bin/sh -c make" did not complete successfully: exit code: 2';
    const { created, lines } = create(
      `${vertex({})}\n${output("cc main.c\nmain.c:7: error, token tok-1\n")}\n${vertex({ digest: "cache", error: "no cache" })}\n${vertex({ error: message })}\n` +
        `printf 'Dockerfile:2\\n  2 | >>> RUN make\\n' >&2; echo 'error: failed to solve: ${message}' >&2; exit 1`,
      { build: { args: { TOKEN: secret("tok-1") } } },
    );
    await expect(created).rejects.toThrow(
      `building ${imageName} from Dockerfile failed: ${message}\nThe step [1/1] RUN make ended with:\n  cc main.c\n  main.c:7: error, token [secret]\nDockerfile:2\n  2 | >>> RUN make`,
    );
    expect(lines.join("\n")).not.toContain("tok-1");
  });

  test.each([
    [
      "a refused push",
      `failed to push ${imageName}: unexpected status from HEAD request to http://localhost:5001/v2/: 401 Unauthorized`,
      /refuses localhost:5001\/acme\/link:1 as user "acme".*set registry.username and registry.password/,
    ],
    [
      "a forbidden push",
      `failed to push ${imageName}: server message: insufficient_scope: authorization failed`,
      /refuses .* as user "acme"/,
    ],
    [
      "an absent registry",
      `failed to push ${imageName}: Head "http://localhost:5001/v2/": dial tcp 127.0.0.1:5001: connect: connection refused`,
      /the registry localhost:5001 cannot be reached.*check that it runs/,
    ],
    [
      "an unknown host",
      `failed to push ${imageName}: Head "https://reg.invalid/v2/": dial tcp: lookup reg.invalid: no such host`,
      /the registry reg.invalid cannot be reached/,
    ],
    [
      "an absent base image",
      "base:9: failed to resolve source metadata for docker.io/library/base:9: docker.io/library/base:9: not found",
      /The base image docker.io\/library\/base:9 is not in the registry/,
    ],
    [
      "an absent BuildKit",
      "listing workers for Build: failed to list workers: Unavailable: dial unix /b.sock: connect: connection refused",
      /BuildKit does not answer/,
    ],
  ])("explains %s", async (_what, message, expected) => {
    const { created } = create(`echo >> attempts\necho 'error: failed to solve: ${message}' >&2; exit 1`);
    await expect(created).rejects.toThrow(expected);
    expect(readFileSync(join(directory, "attempts"), "utf8")).toBe("\n");
  });

  test("tries again what may pass", async () => {
    const { created, lines } = create(
      `echo >> attempts\nif [ "$(wc -l < attempts)" = 2 ]; then echo '${metadata}' > "$last"; exit 0; fi\n` +
        `echo 'error: failed to solve: failed to push x: unexpected status from PUT request: 503 Service Unavailable' >&2; exit 1`,
    );
    await created;
    expect(lines).toContainEqual(expect.stringMatching(/^attempt 1 of 3 failed: .*503/));
  }, 5_000);

  test("ends at the resource's own time limit", async () => {
    const { created } = create("exec sleep 30", {}, 0.1);
    await expect(created).rejects.toThrow(/took longer than 0.1 s: raise customTimeouts/);
  });

  test("warns of half of the credentials", async () => {
    const { created, lines } = create(`echo "\${DOCKER_CONFIG-none}" > folder\necho '${metadata}' > "$last"`, {
      registry: { username: "acme" },
    });
    await created;
    expect(lines).toContain(
      "registry.password is not set: the credentials of this machine's Docker configuration are used",
    );
    expect(readFileSync(join(directory, "folder"), "utf8").trim()).toBe(process.env["DOCKER_CONFIG"] ?? "none");
  });
});

test("BuildKit that failed to start is started again for the next image", async () => {
  let starts = 0;
  const provider = createDockerProvider({
    directory,
    buildKit: () => Promise.reject(new Error(`start ${(starts += 1)}`)),
  });
  const configured = await provider.configure({});
  const type = "docker:index/image:Image";
  const inputs = {
    imageName: "localhost:5001/a/b",
    build: { context: ".", dockerfile: "Dockerfile", platform: "linux/amd64" },
  };
  const create = () => configured.create({ urn: "u", type, name: "a", inputs, preview: false, timeoutSeconds: 0 });
  await expect(create()).rejects.toThrow("start 1");
  await expect(create()).rejects.toThrow("start 2");
});

test("builds wait for their turn, also behind failed ones", async () => {
  const queue = buildQueue(2);
  let running = 0;
  let most = 0;
  const build = async (index: number): Promise<number> => {
    most = Math.max(most, (running += 1));
    await new Promise((resolve) => setTimeout(resolve, 2));
    running -= 1;
    if (index === 1) throw new Error("failed");
    return index;
  };
  const results = await Promise.allSettled([0, 1, 2, 3, 4].map((index) => queue(() => build(index))));
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled", "fulfilled"]);
  expect(most).toBe(2);
});
