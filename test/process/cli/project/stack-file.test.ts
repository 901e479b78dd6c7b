import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Project } from "../../../../cli/project/stack-file.ts";
import { programSettings } from "../../../../stacks/stack-file.ts";

const program = process.cwd();
const directory = realpathSync(mkdtempSync(join(tmpdir(), "delivery-stacks-")));

beforeEach(() => {
  mkdirSync(join(directory, "stacks"));
  process.chdir(directory);
});
afterEach(() => {
  process.chdir(program);
  rmSync(join(directory, "stacks"), { recursive: true, force: true });
});

function write(name: string, ...settings: readonly string[]): void {
  writeFileSync(`stacks/Pulumi.${name}.yaml`, ["config:", ...settings.map((line) => `  ${line}`), ""].join("\n"));
}

const version = "delivery:schemaVersion: 2";
const app = "delivery:app: { name: shop, directory: ../shop }";

test("gives the settings that are asked for, with their defaults", () => {
  write("dev", app, version);
  const file = new Project().stackFile("dev");
  expect(file.find("schemaVersion", "app", "delivery", "gitops", "services")).toEqual({
    schemaVersion: 2,
    app: { name: "shop", directory: "../shop", services: "svc/*" },
    delivery: "gitops",
    gitops: undefined,
    services: {},
  });
});

test("takes the version in the quotes that `pulumi config set` puts around it", () => {
  write("dev", 'delivery:schemaVersion: "2"');
  expect(new Project().stackFile("dev").find("schemaVersion")).toEqual({ schemaVersion: 2 });
});

test("takes a section that `pulumi config set` has written as JSON, as the program does, and no text of a secret for one", () => {
  write("dev", version, `delivery:app: '{"name": "shop", "directory": "../shop"}'`, "delivery:windows: '[1'");
  const file = new Project().stackFile("dev");
  expect(file.find("app")).toEqual({ app: { name: "shop", directory: "../shop", services: "svc/*" } });
  expect(() => file.find("windows")).toThrow("stacks/Pulumi.dev.yaml: windows: ");
  const texts = { registryPassword: '{"a": 1}', secrets: '{"a": "b"}', app: " [1]", environment: "1" };
  const config = Object.fromEntries(Object.entries(texts).map(([key, text]) => [`delivery:${key}`, text]));
  expect(programSettings({ ...config, "aws:app": "[2]" })).toEqual({ ...texts, secrets: { a: "b" }, app: [1] });
});

test("is read once, and again by the next command", () => {
  write("dev", version, app);
  const project = new Project();
  expect(project.stackFile("dev").find("app")?.app.name).toBe("shop");
  write("dev", version, app.replace("shop", "bank"), "delivery:delivery: direct");
  expect(project.stackFile("dev").find("app", "delivery")).toMatchObject({ app: { name: "shop" }, delivery: "gitops" });
  expect(new Project().stackFile("dev").find("app")?.app.name).toBe("bank");
});

test("must be valid only in what is asked for", () => {
  write("dev", version, app, "delivery:delivery: by-hand", "delivery:registryPassword: { secure: x }");
  expect(new Project().stackFile("dev").find("app", "promotion")).toMatchObject({ app: { name: "shop" } });
});

test("gives a setting that is right by itself to those who tell what is wrong with the rest", () => {
  write("dev", version, app, "delivery:windws: []", "delivery:delivery: by-hand");
  const file = new Project().stackFile("dev");
  expect(file.salvage("app")).toMatchObject({ name: "shop" });
  expect(file.salvage("delivery")).toBeUndefined();
  expect(() => file.find("app")).toThrow("windws: unknown key");
  writeFileSync("stacks/Pulumi.prod.yaml", "config:\n  delivery:app: shop: link\n");
  expect(["prod", "none"].map((name) => new Project().stackFile(name).salvage("app"))).toEqual([undefined, undefined]);
});

test("has no setting that does not exist, which commands would do without", () => {
  write("dev", version, app, "delivery:windws: []", "delivery:freez: { reason: Christmas }", "other:windws: []");
  expect(() => new Project().stackFile("dev").find("app")).toThrow(
    `stacks/Pulumi.dev.yaml: windws: unknown key; correct its spelling or remove it
       stacks/Pulumi.dev.yaml: freez: unknown key; correct its spelling or remove it`,
  );
});

test.each([
  [
    "delivery:services: { link: { env: { API_KEY: { secure: v1:x } } } }",
    "services.link.env.API_KEY",
    "services.link.secrets.API_KEY",
  ],
  ["delivery:defaults: { env: { API_KEY: { secure: v1:x } } }", "defaults.env.API_KEY", "defaults.secrets.API_KEY"],
  [
    "delivery:dependencies: { db: { env: { PASSWORD: { secure: v1:x } } } }",
    "dependencies.db.env.PASSWORD",
    "dependencies.db.secrets.PASSWORD",
  ],
  [
    "delivery:services: { link: { egress: [{ cidr: { secure: v1:x } }] } }",
    "services.link.egress.0.cidr",
    "it takes that name",
  ],
  [
    "delivery:services: { link: { test: { env: { API_KEY: { secure: v1:x } } } } }",
    "services.link.test.env.API_KEY",
    "it takes that name",
  ],
  ["delivery:services: { secure: v1:x }", "services", "it takes that name"],
  ["delivery:environment: { secure: v1:x }", "environment", "it takes that name"],
])("a secret in a plain setting is refused, whatever is asked for: %s", (line, path, hint) => {
  write("dev", version, app, line, "delivery:registryPassword: { secure: v1:x }");
  const find = () => new Project().stackFile("dev").find("app");
  expect(find).toThrow(
    `stacks/Pulumi.dev.yaml: ${path}: is a secret, and a plain setting is shown in manifests and reports; remove it here, set it with \`pulumi config set --secret --path 'secrets.<name>'\``,
  );
  expect(find).toThrow(hint);
});

test("names all that is wrong in what is asked for, in the order of the schema", () => {
  write("dev", version, "delivery:delivery: by-hand", "delivery:app: { name: Shop, directory: ../shop, port: 1 }");
  const file = new Project().stackFile("dev");
  const reason =
    /^stacks\/Pulumi\.dev\.yaml: app\.name: "Shop": must be .*\n {7}stacks\/Pulumi\.dev\.yaml: app\.port: unknown key; .*\n {7}stacks\/Pulumi\.dev\.yaml: delivery: "by-hand": must be gitops or direct$/;
  expect(() => file.find("delivery", "app")).toThrow(reason);
  expect(() => file.read("delivery", "app")).toThrow(reason);
});

test.each([
  ["none", [], /: schemaVersion: missing; must be 2: [^\n]*$/],
  ["another", ["delivery:schemaVersion: 3"], /: schemaVersion: 3: must be 2: [^\n]*$/],
])("must be of the version that is read, whatever is asked for: not of %s", (_version, lines, reason) => {
  write("dev", ...lines, "delivery:delivery: by-hand", app);
  const file = new Project().stackFile("dev");
  expect(() => file.find("app")).toThrow(reason);
  expect(() => file.find("promotion")).toThrow(reason);
});

test("that is not there is nothing, unless a command needs it", () => {
  const file = new Project().stackFile("dev");
  expect(file.find("app")).toBeUndefined();
  expect(() => file.read("app")).toThrow(`there is no stacks/Pulumi.dev.yaml in ${directory}; run this where`);
});

test("that is no stack file is named", () => {
  writeFileSync("stacks/Pulumi.dev.yaml", "settings: {}\n");
  expect(() => new Project().stackFile("dev").find("app")).toThrow("stacks/Pulumi.dev.yaml has no `config:`");
});

test("environments are the stacks that have a file", () => {
  write("staging", app);
  write("dev", app);
  writeFileSync("stacks/README.md", "");
  expect(new Project().environments).toEqual(["dev", "staging"]);
  rmSync("stacks", { recursive: true });
  expect(new Project().environments).toEqual([]);
});
