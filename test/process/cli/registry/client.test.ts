import { afterEach, describe, expect, test } from "vitest";
import { registryClient } from "../../../../cli/registry/client.ts";
import { RegistryStandIn } from "../../../support/registry-stand-in.ts";

const open: RegistryStandIn[] = [];
afterEach(async () => {
  for (const registry of open.splice(0)) await registry[Symbol.asyncDispose]();
});

async function start(login?: "none" | "basic" | "bearer"): Promise<RegistryStandIn> {
  const registry = await RegistryStandIn.start(login);
  open.push(registry);
  return registry;
}

const anonymous = async () => undefined;
const robot = async () => ({ username: "robot", password: "hunter2" });
const limits = { longestPause: 5 };

describe.each(["none", "basic", "bearer"] as const)("a registry with login %s", (login) => {
  test("lists all pages of tags, and says what it has", async () => {
    const registry = await start(login);
    const digests = ["0.2.1", "0.2.2", "0.2.3", "0.2.4", "0.2.5"].map((tag) => registry.push("acme/link", tag));
    const client = registryClient({ login: robot });
    const repository = `${registry.host}/acme/link`;
    expect(await client.tags(repository)).toEqual(["0.2.1", "0.2.2", "0.2.3", "0.2.4", "0.2.5"]);
    expect(await client.digest(repository, "0.2.3")).toBe(digests[2]);
    expect(await client.digest(repository, digests[4] ?? "")).toBe(digests[4]);
    expect(await client.digest(repository, `sha256:${"0".repeat(64)}`)).toBeUndefined();
    expect(await client.tags(`${registry.host}/acme/none`)).toEqual([]);
    expect((await client.created(repository, "0.2.1"))?.toISOString()).toBe("2026-01-01T00:00:00.000Z");
  });
});

test("asks for a token once per repository, and anonymously where there is no login", async () => {
  const registry = await start("bearer");
  registry.push("acme/link", "0.2.1");
  const client = registryClient({ login: anonymous });
  for (let count = 0; count < 3; count++) await client.digest(`${registry.host}/acme/link`, "0.2.1");
  expect(registry.requests.filter((request) => request.includes("/token"))).toEqual([
    "GET /token?service=stand-in&scope=repository%3Aacme%2Flink%3Apull",
  ]);
});

describe("errors name the registry and what to do", () => {
  test("no login", async () => {
    const registry = await start("basic");
    await expect(registryClient({ login: anonymous }).tags(`${registry.host}/acme/link`)).rejects.toThrow(
      new RegExp(
        `does not let us read ${registry.host}/acme/link \\(401\\); log in with \`docker login ${registry.host}\``,
      ),
    );
  });

  test("a wrong password", async () => {
    const registry = await start("bearer");
    const wrong = async () => ({ username: "robot", password: "hunter3" });
    const failure = registryClient({ login: wrong }).tags(`${registry.host}/acme/link`);
    await expect(failure).rejects.toThrow(/gives no token for .*acme\/link \(401\); check the password of robot/);
    await expect(failure).rejects.not.toThrow(/hunter/);
  });

  test("nobody there", async () => {
    await expect(
      registryClient({ login: anonymous, limits: { retries: 0 } }).tags("127.0.0.1:1024/acme/link"),
    ).rejects.toThrow(/the registry at 127\.0\.0\.1:1024 cannot be reached \(.*ECONNREFUSED.*\); check its name/);
  });

  test("a limit that does not end", async () => {
    const registry = await start();
    for (let count = 0; count < 3; count++) registry.stumbles.push({ status: 429, headers: { "retry-after": "1" } });
    await expect(
      registryClient({ login: anonymous, limits: { ...limits, retries: 2 } }).tags(`${registry.host}/acme/link`),
    ).rejects.toThrow(/limits our requests \(429\); wait, or log in/);
  });
});

test("waits as asked when the registry limits requests or stumbles", async () => {
  const registry = await start();
  registry.push("acme/link", "0.2.1");
  registry.stumbles.push(
    { status: 429, headers: { "retry-after": "3600" } },
    { status: 503 },
    { status: 429, headers: { "retry-after": new Date(0).toUTCString() } },
  );
  expect(await registryClient({ login: anonymous, limits }).tags(`${registry.host}/acme/link`)).toEqual(["0.2.1"]);
  expect(registry.requests).toHaveLength(4);
});

test("says when few requests are left", async () => {
  const registry = await start();
  registry.push("acme/link", "0.2.1");
  registry.headers = { "ratelimit-limit": "100;w=21600", "ratelimit-remaining": "9;w=21600" };
  const left: number[] = [];
  await registryClient({ login: anonymous, limits: { onScarce: (remaining) => void left.push(remaining) } }).digest(
    `${registry.host}/acme/link`,
    "0.2.1",
  );
  expect(left).toEqual([9]);
});
