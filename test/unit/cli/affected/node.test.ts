import { afterEach, describe, expect, test } from "vitest";
import { serviceGraph } from "../../../../cli/affected/graph.ts";
import { nodeGraph } from "../../../../cli/affected/node.ts";
import { sourceTree } from "../../../../cli/affected/source-tree.ts";
import { everything, expectAffected, nodeShop } from "../../../support/affected-table.ts";
import { SampleMonorepo } from "../../../support/sample-monorepo.ts";

const made: SampleMonorepo[] = [];
afterEach(() => made.splice(0).forEach((sample) => sample[Symbol.dispose]()));

function sampleOf(files: Readonly<Record<string, string | object>>): SampleMonorepo {
  const texts = Object.entries(files).map(([path, content]): [string, string] => [
    path,
    typeof content === "string" ? content : JSON.stringify(content),
  ]);
  const sample = new SampleMonorepo(Object.fromEntries(texts));
  made.push(sample);
  return sample;
}

/** Of service `svc/a`. */
function needs(files: Readonly<Record<string, string | object>>, copied: readonly string[] = []) {
  return nodeGraph(sourceTree(sampleOf(files).root)).needs("svc/a", (file) => copied.includes(file));
}

describe("a package.json around the service", () => {
  const tools = { "package.json": { scripts: { test: "echo root" }, devDependencies: { husky: "9" } } };

  test("is that of the repository's tools", () => {
    expect(needs(tools)).toBeUndefined();
    const graph = serviceGraph(
      sampleOf({
        ...tools,
        "go.mod": "module shop\n",
        "svc/a/Dockerfile": "FROM golang\nCOPY . .\n",
        "svc/a/main.go": "package main\n",
        "svc/b/Dockerfile": "FROM golang\nCOPY . .\n",
        "svc/b/main.go": "package main\n",
      }).monorepo(),
    );
    const affected = (file: string): string[] =>
      graph.filter(({ match }) => match(file) !== undefined).map(({ service }) => service.name);
    expect(affected("svc/a/main.go")).toEqual(["a"]);
    expect(affected(".github/workflows/x.yml")).toEqual([]);
  });

  test("is the service's, too, if the Dockerfile copies it; what else there is counts only if that is copied", () => {
    const found = needs({ ...tools, "package-lock.json": {} }, ["package.json"]);
    expect(found).toEqual({
      own: ".",
      root: ".",
      packages: new Set(),
      members: new Set(),
      outside: new Set(),
      inputs: [],
      mentions: expect.any(Function),
      understood: true,
      tested: true,
      installed: true,
    });
  });

  test("is the service's if it is that of one package of a workspace, but not that of the workspace", () => {
    const workspace = { "package.json": { workspaces: ["svc"] }, "svc/package.json": { name: "a" } };
    expect(needs(workspace)).toMatchObject({ own: "svc", root: ".", packages: new Set(["svc"]), installed: false });
    expect(needs({ "package.json": { workspaces: ["libs/*"] } }, ["package.json"])).toBeUndefined();
  });
});

test.each<[name: string, version: string, target: string | undefined]>([
  ["ui", "workspace:@shop/ui@*", "libs/ui"],
  ["k", "workspace:kit@^", "libs/kit"],
  ["k", "npm:kit@^1.0.0", "libs/kit"],
  ["kit", "npm:preact@^10", undefined],
  ["kit", "npm:^1.0.0", "libs/kit"],
  ["kit", "workspace:^", "libs/kit"],
  ["x", "workspace:../../libs/kit", "libs/kit"],
  ["x", "file:../../libs/@shop/x", "libs/@shop/x"],
  ["x", "workspace:y@*", undefined],
])("the dependency %s of version %s", (name, version, target) => {
  const found = needs({
    "pnpm-workspace.yaml": "packages: [svc/*, libs/*]\n",
    "svc/a/package.json": { dependencies: { [name]: version } },
    "libs/ui/package.json": { name: "@shop/ui" },
    "libs/kit/package.json": { name: "kit" },
  });
  expect([...(found?.packages ?? [])]).toEqual(["svc/a", ...(target === undefined ? [] : [target])]);
  expect(found?.installed).toBe(true);
});

test("an invalid pnpm-workspace.yaml is named", () => {
  expect(() => needs({ "svc/a/package.json": {}, "pnpm-workspace.yaml": "packages: [" })).toThrow(
    /^pnpm-workspace\.yaml is not YAML: /,
  );
});

describe("Node", () => {
  test("a file affects the services that depend on its package, directly or not", () => {
    expectAffected(nodeShop, {
      "apps/web/src/index.ts": "web",
      "packages/ui/src/button.tsx": "web",
      "packages/ui/src/docs/props.tsx": "web",
      "packages/ui/README.md": "web",
      "packages/config/tsconfig/base.json": "web",
      "kit/package.json": "api web",
      "svc/lone/index.js": "lone",
    });
  });

  test("what is in no package of the workspace is for the Dockerfile", () => {
    const table = { "packages/old/index.js": "api web", "libs/util.ts": "api web", "babel.config.js": "api web" };
    expectAffected(nodeShop, { ...table, "turbo.json": "api web", "packages/tsconfig.json": "api web" });
  });

  test("the Dockerfile may name a package that is no dependency; a directory of several is no name", () => {
    const dockerfile = (name: string): string =>
      `FROM node\nCOPY packages/*/package.json ./\nCOPY packages/${name} packages/${name}\nCOPY apps/web apps/web\n`;
    const shop = { ...nodeShop, "packages/kit/package.json": JSON.stringify({ name: "@shop/kit" }) };
    const table = { "packages/ui/x.ts": "web", "packages/kit/package.json": "", "packages/tsconfig.json": "" };
    const fixed = { ...shop, "apps/api/Dockerfile": "FROM scratch\n" };
    expectAffected(
      { ...fixed, "apps/web/Dockerfile": dockerfile("kit/src") },
      { ...table, "packages/kit/src/x": "web" },
    );
    expectAffected(
      { ...fixed, "apps/web/Dockerfile": dockerfile("") },
      { ...table, "packages/kit/src/x": "", "packages/tsconfig.json": "web" },
    );
  });

  test("what is installed, and how all is compiled, affects all of the workspace", () => {
    expectAffected(nodeShop, {
      "package.json": "api web",
      "package-lock.json": "api web",
      "tsconfig.base.json": "api web",
      "svc/lone/package-lock.json": "lone",
      "packages/ui/package.json": "web",
    });
  });

  test("pnpm's workspaces and an invalid package.json", () => {
    const shop = {
      "pnpm-workspace.yaml": "packages:\n  - apps/*\n  - libs/*\n",
      "apps/web/Dockerfile": everything,
      "apps/web/package.json": JSON.stringify({
        name: "web",
        dependencies: { ui: "workspace:*", a: "link:../../libs/a" },
      }),
      "libs/ui/package.json": JSON.stringify({ name: "ui" }),
      "libs/a/package.json": "{",
      "libs/b/package.json": JSON.stringify({ name: "b", dependencies: [] }),
    };
    expectAffected(shop, {
      "libs/ui/x.ts": "web",
      "libs/a/x.ts": "web",
      "libs/b/x.ts": "",
      "pnpm-lock.yaml": "web",
    });
  });

  test("choices with several directories, and what is left out: npm takes it back in with a part of it, pnpm does not", () => {
    const web = { name: "web", dependencies: { old: "1.0.0", ui: "1.0.0" } };
    const shop = (globs: readonly string[], pnpm: boolean): Record<string, string> => ({
      ...(pnpm ? { "pnpm-workspace.yaml": JSON.stringify({ packages: globs }) } : {}),
      "package.json": JSON.stringify({ name: "shop", ...(pnpm ? {} : { workspaces: globs }) }),
      "svc/web/Dockerfile": "FROM node\nCOPY svc/web svc/web\nRUN npm ci\n",
      "svc/web/package.json": JSON.stringify(web),
      "libs/old/package.json": JSON.stringify({ name: "old", version: "1.0.0" }),
      "libs/shared/ui/package.json": JSON.stringify({ name: "ui", version: "1.0.0" }),
    });
    const files = (old: string, ui: string): Record<string, string> => ({
      "libs/old/x.ts": old,
      "libs/shared/ui/x.ts": ui,
    });
    expectAffected(shop(["svc/*", "libs/{old,shared/ui}"], false), files("web", "web"));
    expectAffected(shop(["{svc/web,libs/{old,shared/ui}}", "!libs/o*"], false), files("", "web"));
    const again = ["svc/*", "libs/*", "!libs/o*", "libs/old"];
    expectAffected(shop(again, false), files("web", ""));
    expectAffected(shop(again, true), files("", ""));
  });
});

describe("what a package takes of others without saying so in its package.json", () => {
  const json = (value: object): string => JSON.stringify(value);
  const shop = {
    "package.json": json({ workspaces: ["apps/*", "packages/*"] }),
    "apps/web/Dockerfile": everything,
    "apps/web/package.json": json({ name: "web" }),
    "apps/api/Dockerfile": everything,
    "apps/api/package.json": json({ name: "api" }),
    "packages/ui/package.json": json({ name: "@shop/ui", dependencies: { "@shop/tokens": "*" } }),
    "packages/tokens/package.json": json({ name: "@shop/tokens" }),
    "shared/money.ts": 'export * from "./currency.js";\n',
    "shared/currency.ts": "",
    "shared/unused.ts": "",
  };
  const web = { "packages/ui/src/x.ts": "web", "packages/tokens/x.ts": "web" };
  const nothing = { "packages/ui/src/x.ts": "", "packages/tokens/x.ts": "" };
  const paths = (target: string): string =>
    `{\n // of all\n "compilerOptions": { "baseUrl": ".", "paths": { "ui/*": ["${target}"], }, },\n}\n`;

  test.each<[way: string, files: Record<string, string>, table: Record<string, string>]>([
    ["nothing", {}, nothing],
    [
      "the root depends on it",
      { "package.json": json({ workspaces: ["apps/*", "packages/*"], dependencies: { "@shop/ui": "*" } }) },
      { "packages/ui/src/x.ts": "api web", "packages/tokens/x.ts": "api web" },
    ],
    ["an import by name", { "apps/web/a.ts": 'import { x } from "@shop/ui/button";' }, web],
    [
      "an import by name, loaded later",
      { "apps/web/a.mjs": "await import(/* webpackChunkName: 'x' */ `@shop/ui`);" },
      web,
    ],
    ["require", { "apps/web/a.cjs": "const x = require ( '@shop/ui' );" }, web],
    [
      "paths of the root",
      { "tsconfig.base.json": paths("packages/ui/src/*"), "apps/web/a.tsx": 'import "ui/x";' },
      web,
    ],
    [
      "paths of its own",
      {
        "apps/web/tsconfig.json": paths("../../packages/ui/src/*"),
        "apps/web/a.ts": 'import "ui/x";',
        "packages/ui/src/x.ts": "",
      },
      web,
    ],
    [
      "paths that are inherited",
      {
        "config/ts.json": paths("../packages/ui/src/*"),
        "apps/web/tsconfig.json": json({ extends: "../../config/ts" }),
        "apps/web/a.ts": 'export * from "ui/x";',
        "packages/ui/src/x.ts": "",
      },
      web,
    ],
    [
      "paths that nobody uses",
      { "tsconfig.base.json": paths("packages/ui/src/*"), "packages/ui/src/x.ts": "" },
      nothing,
    ],
    ["a path", { "apps/web/a.ts": 'import "../../packages/ui/src/x";' }, web],
    [
      "the settings of a bundler",
      { "apps/web/vite.config.ts": 'alias: { ui: resolve(__dirname, "../../packages/ui/src") }' },
      web,
    ],
    [
      "a filter of the command that builds it",
      { "apps/web/Dockerfile": `${everything}RUN npm ci && npm run build -w @shop/ui -w web\n` },
      web,
    ],
    [
      "a filter in a script",
      {
        "package.json": json({
          workspaces: ["apps/*", "packages/*"],
          scripts: { build: "yarn workspace @shop/ui build && npm run build -w web" },
        }),
        "apps/web/Dockerfile": `${everything}RUN npm ci && npm run build\n`,
      },
      web,
    ],
    ["a path that is put together", { "apps/web/src/a.js": 'join(__dirname, "..", "../..", "packages", `ui`)' }, web],
    ["a path behind a variable", { "apps/web/src/a.js": "open(`${here}/../../../packages/ui/src/x.ts`)" }, web],
    ["a path from where scripts work", { "apps/web/src/a/b.js": 'open("../../packages/ui/src/x.ts")' }, web],
    ["a page", { "apps/web/index.html": '<script src="../../packages/ui/src/x.ts">' }, web],
    ["words of a page", { "apps/web/index.html": '<p class="@shop/ui" id="@shop/tokens">' }, nothing],
    [
      "settings that extend others by path",
      { "apps/web/tsconfig.json": json({ extends: "../../packages/ui/ts" }) },
      web,
    ],
    ["settings that extend others by name", { "apps/web/tsconfig.json": json({ extends: "@shop/ui/ts.json" }) }, web],
    ["references", { "apps/web/tsconfig.json": json({ references: [{ path: "../../packages/ui" }] }) }, web],
    ["included sources", { "apps/web/tsconfig.json": json({ include: ["src", "../../packages/ui/**/*.d.ts"] }) }, web],
    ["a generator's settings", { "apps/web/codegen.yml": "schema: ../../packages/ui/x.graphql\n" }, web],
    ["a compiler's settings", { "apps/web/.babelrc": json({ presets: ["@shop/ui"] }) }, web],
    [
      "settings that leave nothing in the image",
      {
        "apps/web/.eslintrc.json": json({ extends: "../../packages/ui/lint.json" }),
        "apps/web/compose.yaml": "services: { ui: { build: ../../packages/ui } }\n",
        "apps/web/service.yaml": "files: { /x: { file: ../../packages/ui/x } }\n",
      },
      nothing,
    ],
    [
      "a path without a word before it",
      { "apps/web/package.json": json({ dependencies: { x: "../../packages/ui" } }) },
      web,
    ],
    [
      "a path from the root of the workspace",
      { "apps/web/package.json": json({ dependencies: { x: "workspace:packages/ui" } }) },
      web,
    ],
    [
      "what the root has in the place of others",
      {
        "package.json": json({
          workspaces: ["apps/*", "packages/*"],
          overrides: { react: { x: "file:./packages/ui" }, "@shop/tokens": "1.0.0" },
        }),
      },
      { "packages/ui/src/x.ts": "api web", "packages/tokens/x.ts": "api web" },
    ],
    [
      "what the root of a workspace of pnpm has in the place of others",
      { "pnpm-workspace.yaml": "packages: [apps/*, packages/*]\noverrides: { 'a>x': 'link:packages/ui' }\n" },
      { "packages/ui/src/x.ts": "api web", "packages/tokens/x.ts": "api web" },
    ],
    ["a filter of pnpm", { "apps/web/Dockerfile": `${everything}RUN pnpm --filter ./packages/ui... build\n` }, web],
  ])("%s", (_way, files, table) => {
    const fixed = {
      "packages/ui/src/x.ts": "",
      ...shop,
      "apps/api/Dockerfile": "FROM x\nCOPY package.json apps/api ./\n",
    };
    expectAffected({ ...fixed, ...files }, table);
  });

  test("a file in no package, and what that imports", () => {
    const files = {
      ...shop,
      "svc/x/package.json": "{}",
      "svc/x/Dockerfile": "FROM x\nCOPY shared shared\nCOPY . .\n",
      "svc/x/a.ts": "",
    };
    const outside = {
      ...files,
      "apps/web/package.json": "{}",
      "package.json": "{}",
      "apps/web/a.ts": 'import "../api/money"',
      "apps/api/money.ts": 'import "./currency"',
    };
    expectAffected(outside, {
      "apps/api/money.ts": "api web",
      "apps/api/currency.ts": "api web",
      "apps/api/more.ts": "api",
    });
  });

  test.each<[script: string, found: string]>([
    ["tsc -b && vite build", "api"],
    ["npm run compile", "api"],
    ["node scripts/build.js", "api web"],
    ["bash -c 'cat ../api/x'", "api web"],
    ["tsc -p ../../tsconfig.x.json", "api web"],
    ["run-s generate compile", "api web"],
    ["graphql-codegen", "api web"],
  ])("the script %j", (script, found) => {
    const scripts = { build: script, compile: "tsc", generate: "tsx gen.ts" };
    expectAffected(
      {
        ...shop,
        "apps/web/Dockerfile": `${everything}RUN npm ci && npm run build\n`,
        "apps/web/package.json": json({ name: "web", scripts }),
      },
      { "apps/api/x.graphql": found },
    );
  });
});
