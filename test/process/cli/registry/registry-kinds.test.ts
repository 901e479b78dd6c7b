import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, test } from "vitest";
import { registryClient } from "../../../../cli/registry/client.ts";
import { registryKinds, RegistryOfKind, type RegistryKind } from "../../../support/registry-kinds.ts";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server[Symbol.asyncDispose]();
});

async function start(kind: RegistryKind): Promise<RegistryOfKind> {
  const registry = await RegistryOfKind.start(kind);
  open.push(registry);
  return registry;
}

describe.each(registryKinds)("$name", (kind) => {
  test("gives the tags, the digest and the time of an image whose name has several parts", async () => {
    const registry = await start(kind);
    const { username } = kind;
    const client = registryClient({ login: async () => ({ username, password: registry.password }) });
    expect(await client.tags(registry.repository)).toEqual(registry.tags);
    expect(await client.digest(registry.repository, "0.2.2")).toBe(registry.digest);
    expect(await client.image(registry.repository, "0.2.2")).toEqual({
      digest: registry.digest,
      created: new Date("2026-01-01T00:00:00Z"),
    });
    expect(await client.missingParts(registry.repository, "0.2.2")).toEqual([]);
    expect(await client.digest(registry.repository, "0.9")).toBeUndefined();
    expect(new Set(registry.scopes)).toEqual(
      new Set(kind.tokens === undefined ? [] : [`repository:${kind.image}:pull`]),
    );
  });

  test("is asked for a new login where the one of before has expired", async () => {
    const registry = await start(kind);
    const { username } = kind;
    const client = registryClient({ login: async () => ({ username, password: registry.password }) });
    expect(await client.digest(registry.repository, "0.2.1")).toBe(registry.digest);
    registry.generation++;
    expect(await client.digest(registry.repository, "0.2.1")).toBe(registry.digest);
  });

  test("says why it refuses, and nothing of the password", async () => {
    const registry = await start(kind);
    const wrong = registryClient({ login: async () => ({ username: kind.username, password: "wrong-password" }) });
    const failure = wrong.tags(registry.repository);
    const [status, body] = kind.refusal;
    const [, message = ""] = /"message":"([^"]+)"/.exec(body) ?? [];
    await expect(failure).rejects.toThrow(message === "" ? `(${status})` : `(${status}: ${message})`);
    await expect(failure).rejects.not.toThrow(/wrong-password/);
    const anonymous = registryClient({ login: async () => undefined }).tags(registry.repository);
    await expect(anonymous).rejects.toThrow(`log in with \`docker login ${registry.host}\``);
  });
});

test("a token of a login store is exchanged at the token service, which takes no name with it", async () => {
  const forms: string[] = [];
  const server = createServer(async (request, response) => {
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    if (request.url === "/oauth2/token") {
      forms.push(`${request.method} ${await text(request)}`);
      return void response.end('{"token":"","access_token":"granted"}');
    }
    if (request.headers.authorization === "Bearer granted") return void response.end('{"tags":["1"]}');
    const challenge = `Basic realm="x", Bearer realm="http://${host}/oauth2/token",service=acme.azurecr.io,scope=""`;
    response.writeHead(401, { "www-authenticate": challenge }).end();
  });
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  open.push({ [Symbol.asyncDispose]: () => new Promise((done) => void server.close(() => done())) });
  const login = async () => ({ username: "", password: "refresh", isIdentityToken: true }) as const;
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(await registryClient({ login }).tags(`${host}/shop/link`)).toEqual(["1"]);
  expect(forms).toEqual([
    "POST grant_type=refresh_token&client_id=delivery&refresh_token=refresh&service=acme.azurecr.io&scope=repository%3Ashop%2Flink%3Apull",
  ]);
});
