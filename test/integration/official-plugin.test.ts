import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as circleci from "@pulumi/circleci/bin/index.js";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../core/atomic-file.ts";
import { quoteForShell } from "../../core/shell.ts";
import { openStack } from "../../sandbox/engine/open-stack.ts";
import { installedPlugins } from "../../sandbox/engine/plugins.ts";
import { buildTools } from "../../sandbox/machine/tools/go-tools.ts";

test("the engine finds a plugin that the user's Pulumi has installed", async () => {
  using folder = temporaryDirectory("official-plugin-");
  const installed = join(folder.path, "user", "plugins", "resource-terraform-provider-v1.1.3");
  mkdirSync(installed, { recursive: true });
  const used = join(folder.path, "used");
  const program = join(import.meta.dirname, "..", "..", "sandbox", "engine", "offline-plugin.ts");
  const command = [process.execPath, program, "terraform-provider"].map(quoteForShell).join(" ");
  const script = `#!/bin/sh\ntouch ${quoteForShell(used)}\nexec ${command} "$@"\n`;
  writeFileSync(join(installed, "pulumi-resource-terraform-provider"), script, { mode: 0o755 });
  const { pulumi } = await buildTools(["pulumi"], () => undefined);
  const stack = await openStack({
    directory: join(folder.path, "engine"),
    pulumi,
    project: "delivery",
    stack: "dev",
    program: async () => {
      const provider = new circleci.Provider("shop", { key: "token" });
      const { name } = new circleci.Context("shop", { name: "shop", organizationId: "o" }, { provider });
      return { name };
    },
    settings: {},
    secrets: {},
    providers: [],
    plugins: Object.values(await installedPlugins(join(folder.path, "user"))),
  });
  const { changeSummary } = await stack.preview();
  expect(changeSummary).toEqual({ create: 3 });
  // It was that plugin.
  expect(() => writeFileSync(used, "", { flag: "wx" })).toThrow("EEXIST");
});
