import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { dockerLogin, writeDockerConfig } from "../../../../cli/registry/docker-config.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "docker-login-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const auth = Buffer.from("robot:hun:ter2").toString("base64");

function login(host: string, config: unknown): ReturnType<typeof dockerLogin> {
  writeFileSync(join(directory, "config.json"), typeof config === "string" ? config : JSON.stringify(config));
  return dockerLogin(host, { DOCKER_CONFIG: directory, PATH: `${directory}:${process.env["PATH"]}` });
}

test("is read from Docker's file, by host", async () => {
  expect(await login("localhost:5001", { auths: { "localhost:5001": { auth } } })).toEqual({
    username: "robot",
    password: "hun:ter2",
  });
  expect(await login("docker.io", { auths: { "https://index.docker.io/v1/": { auth } } })).toEqual({
    username: "robot",
    password: "hun:ter2",
  });
  expect(await login("ghcr.io", { auths: { "localhost:5001": { auth } } })).toBeUndefined();
});

test.each([
  ["ghcr.io", "https://ghcr.io/v2/"],
  ["ghcr.io", "https://ghcr.io"],
  ["ghcr.io", "ghcr.io/"],
  ["localhost:5001", "http://localhost:5001/v1/"],
  ["docker.io", "https://index.docker.io/v2/"],
])("is that of %s where its entry is %s", async (host, name) => {
  const other = Buffer.from("other:one").toString("base64");
  const auths = { [`other.${host}`]: { auth: other }, [name]: { auth }, "example.com/ghcr.io": { auth: other } };
  expect(await login(host, { auths })).toEqual({ username: "robot", password: "hun:ter2" });
  // What has the name itself comes first.
  const exact = host === "docker.io" ? "https://index.docker.io/v1/" : host;
  expect(await login(host, { auths: { ...auths, [exact]: { auth: other } } })).toMatchObject({ username: "other" });
});

test("comes from the helper that the file names", async () => {
  const helper = join(directory, "docker-credential-shelf");
  writeFileSync(
    helper,
    `#!/bin/sh\nread server\necho "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"robot\\",\\"Secret\\":\\"$1 $server\\"}"\n`,
  );
  chmodSync(helper, 0o755);
  expect(await login("ghcr.io", { credHelpers: { "ghcr.io": "shelf" } })).toEqual({
    username: "robot",
    password: "get ghcr.io",
  });
  expect(await login("ghcr.io", { auths: { "ghcr.io": {} }, credsStore: "shelf" })).toEqual({
    username: "robot",
    password: "get ghcr.io",
  });
  // A helper that makes logins itself, as ECR's does, has no entry.
  expect(await login("123456789012.dkr.ecr.eu-west-1.amazonaws.com", { credsStore: "shelf" })).toMatchObject({
    username: "robot",
  });
  expect(await login("ghcr.io", { auths: { "ghcr.io": {} }, credsStore: "not-installed" })).toBeUndefined();
});

test("is none where Docker never logged in", async () =>
  expect(await dockerLogin("docker.io", { HOME: directory })).toBeUndefined());

test("a file that is not Docker's is named", async () => {
  await expect(login("docker.io", "not JSON")).rejects.toThrow(
    `${directory}/config.json is not a config file of Docker; correct it, or log in again`,
  );
});

test("is a token where Docker keeps one in place of a password", async () => {
  const token = { username: "", password: "refresh", isIdentityToken: true };
  expect(await login("acme.azurecr.io", { auths: { "acme.azurecr.io": { auth, identitytoken: "refresh" } } })).toEqual(
    token,
  );
  const helper = join(directory, "docker-credential-token");
  writeFileSync(helper, `#!/bin/sh\necho '{"Username":"<token>","Secret":"refresh"}'\n`);
  chmodSync(helper, 0o755);
  expect(await login("acme.azurecr.io", { credHelpers: { "acme.azurecr.io": "token" } })).toEqual(token);
});

test("that is given takes the place of a stored one, and the others stay where they are", () => {
  const config = {
    auths: { "https://index.docker.io/v1/": {}, "ghcr.io": {}, "quay.io": {} },
    credsStore: "shelf",
    credHelpers: { "europe-docker.pkg.dev": "gcloud", "ghcr.io": "gh" },
    currentContext: "builder",
  };
  writeFileSync(join(directory, "config.json"), JSON.stringify(config));
  const robot = { username: "robot", password: "hun:ter2" };
  const given = [
    { host: "docker.io", login: robot },
    { host: "ghcr.io", login: robot },
  ];
  using written = writeDockerConfig(given, { DOCKER_CONFIG: directory }, ["registry.acme.example"]);
  expect(JSON.parse(readFileSync(join(written.path, "config.json"), "utf8"))).toEqual({
    currentContext: "builder",
    credHelpers: { "europe-docker.pkg.dev": "gcloud", "quay.io": "shelf", "registry.acme.example": "shelf" },
    auths: { "quay.io": {}, "https://index.docker.io/v1/": { auth }, "ghcr.io": { auth } },
  });
});
