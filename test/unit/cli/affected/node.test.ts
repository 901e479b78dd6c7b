import { afterEach, describe, expect, test } from "vitest";
import { serviceGraph } from "../../../../cli/affected/graph.ts";
import { nodeGraph } from "../../../../cli/affected/node.ts";
import { sourceTree } from "../../../../cli/affected/source-tree.ts";
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
