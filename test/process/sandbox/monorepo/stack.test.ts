import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { besideMonorepo } from "../../../../sandbox/monorepo/import.ts";
import { neededImages } from "../../../../sandbox/monorepo/pulled-images.ts";
import { readHead, takeSnapshot } from "../../../../sandbox/monorepo/snapshot.ts";
import { makeStack, monorepoOf, sourceDirectory, type MonorepoStack } from "../../../../sandbox/monorepo/stack.ts";
import { sandboxProject, sandboxSettings, sandboxStackFile } from "../../../../sandbox/machine/endpoints.ts";
import { SourceCheckout } from "../../../support/source-checkout.ts";

const program = resolve(".");
let stateDir: string;
let shop: SourceCheckout;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), "monorepo-stack-"));
  shop = new SourceCheckout();
  // Git has it although its .gitignore, which comes later, names it.
  shop.commit({ "services/mail/kept.log": "" });
  shop.commit({
    ".gitignore": "dist/\n*.log\n",
    "services/cart/Dockerfile":
      "# syntax=docker/dockerfile:1.7\nFROM golang:1.26 AS build\nCOPY . .\nFROM scratch\nCOPY --from=busybox:1 /bin/busybox /\nEXPOSE 8080\n",
    "services/cart/main.go": "package main\n",
    "services/mail/Dockerfile": "FROM node:24\nCOPY . .\n",
    "services/web/Dockerfile": "FROM nginx:1\nCOPY dist /usr/share\nEXPOSE 80\n",
    "services/web/page.html": "",
    "compose.yaml":
      "services:\n  cart: { build: services/cart, environment: { DB: 'cart-db:5432' } }\n  cart-db: { image: 'postgres:17-alpine' }\n",
  });
});
afterEach(() => {
  process.chdir(program);
  shop[Symbol.dispose]();
  rmSync(stateDir, { recursive: true });
});

async function made(
  directory = shop.root,
  stack?: string,
  excluded?: ReadonlyMap<string, string>,
): Promise<MonorepoStack> {
  const head = await readHead(directory);
  await takeSnapshot(head, sourceDirectory(stateDir));
  return makeStack(stateDir, { directory, ...(stack === undefined ? {} : { stack }) }, head, excluded);
}

/** All that is in the user's checkout, and Git's own files of it. */
const contentOf = (directory: string): string =>
  execFileSync("find", [directory, "-printf", "%P %m %T@ %C@ %s\n"]).toString();

test("delivered is what Git has; the checkout is not written to, not even by Git itself", async () => {
  writeFileSync(join(shop.root, "services/cart/main.go"), "package changed\n");
  writeFileSync(join(shop.root, "new.txt"), "");
  writeFileSync(join(shop.root, "debug.log"), "ignored");
  const before = contentOf(shop.root);
  const head = await readHead(shop.root);
  expect(head).toMatchObject({ root: shop.root, prefix: "", uncommitted: 2, commit: shop.git("rev-parse", "HEAD") });
  const source = sourceDirectory(stateDir);
  await takeSnapshot(head, source);
  expect(readFileSync(join(source, "services/cart/main.go"), "utf8")).toBe("package main\n");
  expect(existsSync(join(source, "services/mail/kept.log"))).toBe(true);
  expect([existsSync(join(source, "new.txt")), existsSync(join(source, "debug.log"))]).toEqual([false, false]);
  expect(contentOf(shop.root)).toBe(before);

  shop.git("checkout", "--quiet", ".");
  shop.commit({ "services/mail/Dockerfile": undefined });
  await takeSnapshot(await readHead(shop.root), source);
  expect(existsSync(join(source, "services/mail/Dockerfile"))).toBe(false);
});

test("what init would write, pointed at the stand-ins", async () => {
  const { settings, services, secrets, remarks } = await made();
  const root = settings.app.directory;
  expect(resolve(root)).toBe(sourceDirectory(stateDir));
  expect(settings.images).toMatchObject({ registry: "localhost:5001", username: "sandbox-ci", source: "registry" });
  expect(settings.ci).toMatchObject({
    host: "http://localhost:8100/api/v2",
    image: "cimg/go:1.26-node",
    program: { repository: expect.stringContaining("/sandbox/delivery.git") },
  });
  expect(settings.gitops).toMatchObject({ repository: "http://127.0.0.1:3000/deploy.git", release: "commit" });
  expect(services.map(({ name, port, kind }) => [name, port, kind])).toEqual([
    ["cart", 8080, undefined],
    ["mail", undefined, "worker"],
  ]);
  expect(secrets).toEqual(["cart-db-password"]);
  // No volumes are to be had: its folder is one of those that go with the pod.
  expect(settings.dependencies["cart-db"]).toMatchObject({
    scratch: expect.arrayContaining(["/var/lib/postgresql/data"]),
  });
  expect(settings.dependencies["cart-db"]).not.toHaveProperty("storage");
  expect(remarks).toContainEqual(
    expect.stringMatching(/^no service: services\/web\/Dockerfile: COPY services\/web\/dist: there is no such file/),
  );
});

test("all commands of the sandbox then read that file, and CI has the monorepo beside the program", async () => {
  const { text, settings } = await made();
  expect(sandboxSettings(sandboxProject(stateDir)).app).toEqual(settings.app);
  expect(sandboxStackFile(stateDir)["delivery:app"]).toEqual(settings.app);
  const directoryFor = (prefix: string): string => parse(besideMonorepo(text, prefix)).config["delivery:app"].directory;
  expect([directoryFor(""), directoryFor("apps/")]).toEqual(["../source", "../source/apps"]);
});

test("a monorepo that is a part of its repository", async () => {
  const { settings, services } = await made(join(shop.root, "services"));
  expect(resolve(settings.app.directory)).toBe(join(sourceDirectory(stateDir), "services"));
  expect(services.map(({ name }) => name)).toEqual(["cart", "mail"]);
});

test("a stack file of the user's keeps what describes services, and loses what speaks of accounts and other environments", async () => {
  using own = new SourceCheckout();
  own.commit({
    "stacks/Pulumi.sandbox.yaml": readFileSync(join(program, "stacks/Pulumi.sandbox.yaml"), "utf8"),
    "stacks/Pulumi.prod.yaml": `config:
  delivery:schemaVersion: 2
  delivery:environment: production
  delivery:app: { name: store, directory: ${shop.root}, services: services/c* }
  delivery:images: { registry: ghcr.io, organization: acme, username: acme-bot, source: build, context: app, pull: { username: x, password: pull } }
  delivery:ci: { organizationId: 3f0c8f0a-5d0e-4c1b-9c55-0a5d3c7e1f10, image: cimg/go:1.26-node, environment: { X: y }, driftSchedule: "0 6 * * *" }
  delivery:github: { repository: acme/store, branch: master }
  delivery:delivery: direct
  delivery:promotion: { from: staging }
  delivery:cluster: { context: prod, ingress: { className: a, domain: b, namespace: c } }
  delivery:dependencies: { cache: { address: "redis.example.com:6379", password: cache-password } }
  delivery:defaults: { replicas: 2, platforms: [linux/amd64, linux/arm64] }
  delivery:services: { cart: { platforms: [linux/riscv64], volumes: { data: { path: /data, size: 1Gi } }, scratch: [/cache], secrets: { KEY: api-key }, dependencies: { cache: { address: CACHE } } } }
  delivery:registryPassword: { secure: v1:xxx }
`,
  });
  process.chdir(own.root);
  const { settings, services, secrets } = await made(shop.root, "prod");
  expect(settings.app).toMatchObject({ name: "store", services: "services/c*" });
  expect(settings.images).toMatchObject({
    registry: "localhost:5001",
    organization: "acme",
    context: "app",
    source: "registry",
  });
  expect(settings).toMatchObject({ delivery: "gitops", cluster: { adoptExisting: true } });
  const { environment, promotion, images, ci } = settings;
  expect({ environment, promotion, pull: images.pull, schedule: ci.driftSchedule }).toEqual({});
  expect(settings.github).toMatchObject({ repository: "acme/store", branch: "main", api: "http://localhost:8200" });
  expect(services).toMatchObject([{ name: "cart", replicas: 2 }]);
  const [cart] = services;
  expect([cart?.platforms, cart?.volumes]).toEqual([undefined, undefined]);
  expect(cart?.scratch).toEqual([{ path: "/cache" }, { path: "/data", size: "1Gi" }]);
  expect(secrets).toEqual(["api-key", "cache-password"]);
});

test.each<[how: string, stackFile: string | undefined]>([
  ["what init would write", undefined],
  [
    "a stack file",
    `config:
  delivery:schemaVersion: 2
  delivery:app: { name: store, directory: SHOP, services: services/* }
  delivery:images: { organization: acme, username: acme, source: registry }
  delivery:ci: { organizationId: 3f0c8f0a-5d0e-4c1b-9c55-0a5d3c7e1f10 }
  delivery:services: { mail: { replicas: 2 }, web: { peers: [cart] }, cart: { replicas: 3 }, tool: { dockerfile: services/mail/Dockerfile } }
`,
  ],
])("%s loses services that cannot be built, also as the peers of others", async (_how, stackFile) => {
  using own = new SourceCheckout();
  own.commit({
    "stacks/Pulumi.sandbox.yaml": readFileSync(join(program, "stacks/Pulumi.sandbox.yaml"), "utf8"),
    "stacks/Pulumi.dev.yaml": stackFile?.replace("SHOP", shop.root) ?? "",
  });
  process.chdir(own.root);
  const stack = stackFile === undefined ? undefined : "dev";
  const all = await made(shop.root, stack);
  const rest = await made(shop.root, stack, new Map([["cart", "exit code 7"]]));
  const names = ({ services }: MonorepoStack): string[] => services.map(({ name }) => name);
  expect(names(rest)).toEqual(names(all).filter((name) => name !== "cart"));
  expect(rest.text).not.toMatch(/^ +cart:/m);
});

test("a stack file that the program would refuse is refused before anything starts, by its own name", async () => {
  using own = new SourceCheckout();
  own.commit({
    "stacks/Pulumi.sandbox.yaml": readFileSync(join(program, "stacks/Pulumi.sandbox.yaml"), "utf8"),
    "stacks/Pulumi.dev.yaml": `config:
  delivery:schemaVersion: 2
  delivery:app: { name: store, directory: ${shop.root}, services: services/cart }
  delivery:images: { organization: Acme }
  delivery:services: { cart: { replicas: -1 } }
`,
  });
  process.chdir(own.root);
  await expect(made(shop.root, "dev")).rejects.toThrow(
    /stacks\/Pulumi\.dev\.yaml: images\.organization: "Acme".*\n.*stacks\/Pulumi\.dev\.yaml: services\.cart\.replicas: -1/s,
  );
});

test.each<[what: string, prepare: () => void, message: RegExp]>([
  [
    "no Dockerfile",
    () => shop.commit({ "services/cart/Dockerfile": undefined, "services/mail/Dockerfile": undefined }),
    /no Dockerfile there of which a service can be made\n {2}services\/web\/Dockerfile: COPY services\/web\/dist/,
  ],
])("refuses a monorepo with %s", async (_what, prepare, message) => {
  prepare();
  await expect(made()).rejects.toThrow(message);
});

test("refuses a checkout without a commit", async () => {
  using empty = new SourceCheckout();
  await expect(readHead(empty.root)).rejects.toThrow(/has no commit: what is delivered is what Git has/);
});

test("knows the images that come from elsewhere, and who needs each", async () => {
  const stack = await made();
  const needed = neededImages(monorepoOf(stack), stack.settings.dependencies);
  expect(Object.fromEntries(needed)).toEqual({
    "docker/dockerfile:1.7": { services: ["cart"], dependencies: [] },
    "golang:1.26": { services: ["cart"], dependencies: [] },
    "busybox:1": { services: ["cart"], dependencies: [] },
    "node:24": { services: ["mail"], dependencies: [] },
    "postgres:17-alpine": { services: [], dependencies: ["cart-db"] },
  });
});
