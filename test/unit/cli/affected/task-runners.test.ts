import { describe, expect, test } from "vitest";
import { matchProjects } from "../../../../cli/affected/nx-projects.ts";
import { everything, expectAffected } from "../../../support/affected-table.ts";

const json = (value: object): string => JSON.stringify(value);
const build = `${everything}RUN npm ci && npm run build\n`;
const libraries = ["schema", "config", "data-a", "data-b", "docs"];

/** Two services and five packages on which nobody depends by package.json. */
function shop(runner: string): Record<string, string> {
  const packages = libraries.map((name) => [`packages/${name}/package.json`, json({ name: `@acme/${name}` })]);
  const service = (name: string) => json({ name: `@acme/${name}`, scripts: { build: "tsc" } });
  return {
    "package.json": json({ workspaces: ["apps/*", "packages/*"], scripts: { build: `${runner} build` } }),
    "apps/web/Dockerfile": build,
    "apps/web/package.json": service("web"),
    "apps/api/Dockerfile": build,
    "apps/api/package.json": service("api"),
    ...Object.fromEntries(packages),
  };
}

/** Per package, the services that a file in it affects. */
function expectPackages(files: Record<string, string>, table: Record<string, string>): void {
  const all = Object.fromEntries(libraries.map((name) => [`packages/${name}/x.json`, table[name] ?? ""]));
  expectAffected(files, all);
}

// As `turbo run build --dry=json` of 2.11.11 has it: the hash of the task of a service changes.
describe("Turborepo", () => {
  const settings = (value: object): Record<string, string> => ({
    ...shop("turbo run"),
    "turbo.json": `// of all\n${json(value)}`,
  });

  test("nothing that is not declared", () => {
    expectPackages(settings({ tasks: { build: { dependsOn: ["^build"] } } }), {});
  });

  test.each([{ tasks: "tasks" }, { tasks: "pipeline" }])("`pkg#task` in dependsOn, of $tasks", ({ tasks }) => {
    const said = {
      [tasks]: {
        build: { dependsOn: ["^build", "generate"] },
        generate: { dependsOn: ["@acme/data-a#dump"] },
        lint: { dependsOn: ["@acme/docs#build"] },
        "@acme/web#build": { dependsOn: ["@acme/schema#generate"] },
      },
    };
    expectPackages(settings(said), { schema: "web", "data-a": "api web" });
  });

  test("the settings of a package, and those that they extend", () => {
    const files = {
      ...settings({ tasks: { generate: {}, build: { dependsOn: ["@acme/docs#generate"] } } }),
      "apps/api/turbo.json": json({
        extends: ["//", "@acme/config"],
        tasks: { build: { dependsOn: ["@acme/data-b#build"] } },
      }),
      "packages/config/turbo.json": json({
        extends: ["//"],
        tasks: { build: { inputs: ["../../packages/schema/x.json"] } },
      }),
    };
    expectPackages(files, { docs: "api web", "data-b": "api", schema: "api" });
    expectAffected(files, { "packages/config/turbo.json": "api", "packages/config/x": "" });
  });

  test("inputs elsewhere, and what all depends on; only what the image has", () => {
    const files = {
      ...settings({
        globalDependencies: ["packages/config/*.json", "!packages/docs/x.json"],
        tasks: {
          build: { inputs: ["$TURBO_DEFAULT$", "$TURBO_ROOT$/packages/docs/**"] },
          lint: { inputs: ["../../packages/schema/**"] },
        },
      }),
      "apps/api/turbo.json": json({
        extends: ["//"],
        tasks: { build: { inputs: ["$TURBO_EXTENDS$", "../../packages/data-b/**"] } },
      }),
    };
    expectPackages(files, { config: "api web", docs: "api web", "data-b": "api" });
    const narrow = "FROM node\nCOPY package.json ./\nCOPY apps/api apps/api\nRUN npm ci\n";
    expectPackages({ ...files, "apps/api/Dockerfile": narrow }, { config: "web", docs: "web" });
  });

  test("a task that is waited for may read anything", () => {
    const files = {
      ...settings({ tasks: { build: { dependsOn: ["generate"] }, lint: {} } }),
      "apps/web/package.json": json({
        name: "@acme/web",
        scripts: { build: "tsc", generate: "node gen.js", lint: "sh x" },
      }),
    };
    expectPackages(files, Object.fromEntries(libraries.map((name) => [name, "web"])));
    expectPackages({ ...files, "turbo.json": json({ tasks: { build: {}, generate: {} } }) }, {});
  });
});

// As `nx graph` and `nx show projects --affected` of 24.0.6 have it.
describe("Nx", () => {
  const settings = (value: object, files: Record<string, object>): Record<string, string> => ({
    ...shop("nx run-many -t"),
    "nx.json": json(value),
    ...Object.fromEntries(Object.entries(files).map(([path, content]) => [path, json(content)])),
  });

  test("implicitDependencies: names, globs, tags, directories, and what is left out", () => {
    expectPackages(
      settings(
        {},
        {
          "apps/web/project.json": { name: "web", implicitDependencies: ["!docs", "schema", "data-*"] },
          "packages/data-a/project.json": { name: "data-a", tags: ["db"] },
          "apps/api/package.json": {
            name: "@acme/api",
            nx: { implicitDependencies: ["tag:d*", "packages/config", "packages/d*", "!@acme/data-b"] },
          },
        },
      ),
      { schema: "web", "data-a": "api web", config: "api", docs: "api" },
    );
    const only = { "apps/web/project.json": { name: "web", implicitDependencies: ["!docs"] } };
    expectPackages(settings({}, only), {});
  });

  test("files in the nx.json of earlier versions", () => {
    const said = {
      "packages/docs/x.json": "*",
      "packages/config/x.json": ["@acme/api"],
      "packages/schema/x.json": { a: { b: ["@acme/web"] } },
    };
    expectPackages(settings({ implicitDependencies: said }, {}), { docs: "api web", config: "api", schema: "web" });
  });

  test("projects in dependsOn, for all and of one", () => {
    expectPackages(
      settings(
        {
          targetDefaults: {
            build: { dependsOn: ["^build", { projects: ["docs"], target: "build" }, "codegen"] },
            lint: { dependsOn: ["config:build"] },
          },
        },
        {
          "apps/web/project.json": {
            name: "web",
            targets: {
              build: { dependsOn: ["@acme/schema:build"] },
              codegen: { dependsOn: [{ projects: "data-b", target: "x" }] },
            },
          },
          "apps/api/project.json": { name: "api", targets: { codegen: { dependsOn: ["@acme/data-a:build"] } } },
        },
      ),
      { schema: "web", docs: "api", "data-a": "api", "data-b": "web" },
    );
  });

  test("inputs elsewhere, also by a name, and of projects", () => {
    expectPackages(
      settings(
        {
          namedInputs: { shared: ["{workspaceRoot}/packages/config/*.json", "loop"], loop: ["shared"] },
          targetDefaults: {
            build: [{ inputs: ["{projectRoot}/**/*", "shared"] }],
            test: { inputs: ["{workspaceRoot}/packages/docs/x.json"] },
          },
        },
        {
          "apps/web/project.json": {
            name: "web",
            targets: {
              build: {
                inputs: [
                  { input: "default", projects: ["schema"] },
                  { fileset: "{projectRoot}/../../packages/data-a/x.json" },
                ],
              },
            },
          },
        },
      ),
      { config: "api", schema: "web", "data-a": "web" },
    );
  });

  test("a command of a target may read anything; executors of Nx read the project", () => {
    const target = (executor: string, command = "") => ({
      "apps/web/project.json": { name: "web", targets: { build: { executor, options: { command } } } },
    });
    const all = Object.fromEntries(libraries.map((name) => [name, "web"]));
    const files = (executor: string, command?: string): Record<string, string> => ({
      ...settings({}, target(executor, command)),
      "apps/web/package.json": json({ name: "@acme/web" }),
    });
    expectPackages(files("nx:run-commands", "node gen.js"), all);
    expectPackages(files("./tools/executors:gen"), all);
    expectPackages(files("nx:run-commands", "tsc -b"), {});
    expectPackages(files("@nx/js:tsc"), {});
  });

  test("a project without a package.json", () => {
    const files = {
      "nx.json": "{}",
      "package.json": json({ scripts: { build: "nx build web" } }),
      "apps/web/Dockerfile": "FROM node\nCOPY package.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\n",
      "apps/web/project.json": json({
        name: "web",
        implicitDependencies: ["api-contract"],
        targets: { build: { executor: "@nx/js:tsc" } },
      }),
      "apps/web/main.ts": "",
      "apps/api/Dockerfile": "FROM scratch\n",
      "apps/api/contract/project.json": json({ name: "api-contract" }),
    };
    expectAffected(files, {
      "apps/api/contract/x.json": "api web",
      "apps/api/x.json": "api",
      "apps/web/x.json": "web",
    });
  });
});

test.each([
  [["ui"], "@acme/ui ui_old"],
  [["*/ui"], "@acme/ui"],
  [["acme"], ""],
  [["!tag:lib", "@acme/ui"], "@acme/ui ui_old"],
  [["libs/*", "!kit"], "@acme/ui @acme/ui-kit"],
  [["libs/*", "!@acme/*-kit"], "@acme/ui"],
  [["directory:libs"], ""],
  [["name:libs/ui"], ""],
])("the projects that %j means", (patterns, names) => {
  const projects = [
    { name: "@acme/ui", within: "libs/ui", tags: ["lib"] },
    { name: "@acme/ui-kit", within: "libs/kit", tags: ["lib"] },
    { name: "ui_old", within: "old/a/b" },
  ];
  expect(
    matchProjects(patterns, projects)
      .map(({ name }) => name)
      .toSorted()
      .join(" "),
  ).toBe(names);
});
