import { lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryDirectory, type TemporaryDirectory } from "../../../../core/atomic-file.ts";
import { runProcess } from "../../../../core/process.ts";
import { copyPlugin, installedPlugins, installOfflinePlugins } from "../../../../sandbox/engine/plugins.ts";

let folder: TemporaryDirectory;
/** The user's Pulumi, and the sandbox's engine. */
let user: string;
let engine: string;

beforeEach(() => {
  folder = temporaryDirectory("plugins-");
  user = join(folder.path, "user");
  engine = join(folder.path, "engine", "plugins");
  mkdirSync(engine, { recursive: true });
});

afterEach(() => folder[Symbol.dispose]());

const kubernetes = "resource-kubernetes-v4.34.2";

function install(name: string, files: Readonly<Record<string, string>>): string {
  const directory = join(user, "plugins", name);
  for (const [file, content] of Object.entries(files)) {
    const path = join(directory, file);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, content, { mode: 0o755 });
  }
  return directory;
}

test("a plugin comes as a real folder: the engine does not look at links to folders", () => {
  const plugin = install(kubernetes, { "pulumi-resource-kubernetes": "#!/bin/sh\n", "data/schema.json": "{}" });
  copyPlugin(plugin, engine);
  const copied = join(engine, kubernetes);
  expect(lstatSync(copied).isDirectory()).toBe(true);
  expect(lstatSync(copied).isSymbolicLink()).toBe(false);
  expect(statSync(join(copied, "pulumi-resource-kubernetes")).mode & 0o111).toBe(0o111);
  expect(readFileSync(join(copied, "data", "schema.json"), "utf8")).toBe("{}");
  // Again, as every `up` does.
  copyPlugin(plugin, engine);
  expect(readFileSync(join(copied, "pulumi-resource-kubernetes"), "utf8")).toBe("#!/bin/sh\n");
});

test("a link that an earlier version of the sandbox has left is replaced, and what it shows stays", () => {
  const plugin = install(kubernetes, { "pulumi-resource-kubernetes": "real" });
  symlinkSync(plugin, join(engine, kubernetes));
  copyPlugin(plugin, engine);
  expect(lstatSync(join(engine, kubernetes)).isSymbolicLink()).toBe(false);
  expect(readFileSync(join(plugin, "pulumi-resource-kubernetes"), "utf8")).toBe("real");
});

test("a plugin that is a link itself, and one that has been installed again, come as they are now", () => {
  const real = install("elsewhere", { "pulumi-resource-kubernetes": "first" });
  const plugin = join(user, "plugins", kubernetes);
  symlinkSync(real, plugin);
  copyPlugin(plugin, engine);
  install("elsewhere", { "pulumi-resource-kubernetes": "second, and longer" });
  copyPlugin(plugin, engine);
  expect(readFileSync(join(engine, kubernetes, "pulumi-resource-kubernetes"), "utf8")).toBe("second, and longer");
});

test("an offline provider in the same place never gets into the user's own file", () => {
  const plugin = install(kubernetes, { "pulumi-resource-kubernetes": "the user's" });
  copyPlugin(plugin, engine);
  installOfflinePlugins(engine);
  expect(readFileSync(join(engine, kubernetes, "pulumi-resource-kubernetes"), "utf8")).toContain("offline-plugin.ts");
  expect(readFileSync(join(plugin, "pulumi-resource-kubernetes"), "utf8")).toBe("the user's");
});

test.each<[string, string, Record<string, string>, string | undefined, boolean]>([
  ["complete", kubernetes, { "pulumi-resource-kubernetes": "" }, undefined, true],
  ["of another version", "resource-kubernetes-v4.34.1", { "pulumi-resource-kubernetes": "" }, undefined, false],
  ["an empty folder", kubernetes, { "PulumiPlugin.yaml": "" }, undefined, false],
  ["half unpacked", kubernetes, { "pulumi-resource-kubernetes": "" }, `${kubernetes}.partial`, false],
])("an official plugin that is %s", async (_what, name, files, marker, found) => {
  const directory = install(name, files);
  if (marker !== undefined) writeFileSync(join(user, "plugins", marker), "");
  expect(await installedPlugins(user)).toEqual(found ? { kubernetes: directory } : {});
});

test("a stack that cannot be opened leaves nothing that keeps the process alive", async () => {
  const stack = join(import.meta.dirname, "..", "..", "..", "..", "sandbox", "engine", "sandbox-stack.ts");
  const script = `
    const { openSandboxStack } = await import(${JSON.stringify(stack)});
    await openSandboxStack({ stateDir: ${JSON.stringify(join(folder.path, "state"))}, pulumi: "/bin/false", report: () => {} })
      .then(() => console.log("opened"), () => console.log("refused"));`;
  const args = ["--input-type=module", "--eval", script];
  const env = { ...process.env, PULUMI_HOME: user };
  const { code, stdout } = await runProcess(process.execPath, args, { env, timeoutSeconds: 30 });
  expect([code, stdout.toString().trim()]).toEqual([0, "refused"]);
}, 60_000);
