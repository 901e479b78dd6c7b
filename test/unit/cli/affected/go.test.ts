import { afterEach, describe, expect, test } from "vitest";
import { goGraph } from "../../../../cli/affected/go.ts";
import { sourceTree } from "../../../../cli/affected/source-tree.ts";
import { SampleMonorepo } from "../../../support/sample-monorepo.ts";

const made: SampleMonorepo[] = [];
afterEach(() => made.splice(0).forEach((sample) => sample[Symbol.dispose]()));

function needs(files: Readonly<Record<string, string>>, directory = "svc/link") {
  const sample = new SampleMonorepo(files);
  made.push(sample);
  return goGraph(sourceTree(sample.root)).needs(directory, []);
}

const mod = (module: string, ...replaces: string[]): string =>
  `module ${module}\n${replaces.map((line) => `replace ${line}\n`).join("")}`;
const go = (name: string, ...imports: string[]): string =>
  `package ${name}\n${imports.map((path) => `import "${path}"\n`).join("")}`;

const nested = {
  "lib/go.mod": mod("shop/lib", "shop/testkit => ../testkit"),
  "lib/web/web.go": go("web"),
  "lib/web/web_test.go": go("web", "shop/testkit"),
  "testkit/go.mod": mod("shop/testkit"),
  "testkit/equal.go": go("testkit"),
  "svc/link/go.mod": mod("shop/link", "shop/lib => ../../lib", "shop/link/api => ./api"),
  "svc/link/cmd/server/main.go": go("main", "shop/lib/web", "shop/link/api"),
  "svc/link/cmd/server/main_test.go": go("main"),
  // Before the program in the order of their names.
  "svc/link/api/go.mod": mod("shop/link/api"),
  "svc/link/api/api.go": go("api"),
  "svc/link/api/api_test.go": go("api"),
};

describe("a module in a module", () => {
  test("does not hide what the one around it imports", () => {
    const found = needs(nested);
    expect([...(found?.image ?? [])].toSorted()).toEqual(["lib/web", "svc/link/api", "svc/link/cmd/server"]);
    expect(found?.modules.files).toContain("lib/go.mod");
    expect(found?.modules.files).toContain("svc/link/go.mod");
  });

  test("is tested by itself, and so is every other module, with what only its own tests import", () => {
    const found = needs(nested);
    expect(found?.tests).toContain("testkit");
    expect(found?.testCalls()).toEqual(
      ["svc/link/api", "svc/link", "lib"].map((directory, index) => ({
        directory,
        packages: [["./"], ["./cmd/server"], ["./web"]][index],
        optional: [],
        outsideWorkspace: false,
      })),
    );
  });

  test("may be a part of the image by its own program", () => {
    const tools = { "svc/link/tools/go.mod": mod("tools", "kit => ../../../kit"), "kit/go.mod": mod("kit") };
    const found = needs({ ...nested, ...tools, "svc/link/tools/main.go": go("main", "kit"), "kit/kit.go": go("kit") });
    expect(found?.image).toContain("kit");
    expect(found?.image).toContain("lib/web");
  });
});

describe("a workspace", () => {
  const files = { ...nested, "go.work": "use ./lib\nuse ./svc/link\nuse ./svc/link/api\nuse ./testkit\n" };

  test("is tested by one call", () => {
    expect(needs(files)?.testCalls()).toEqual([
      {
        directory: ".",
        packages: ["./lib/web", "./svc/link/api", "./svc/link/cmd/server"],
        optional: [],
        outsideWorkspace: false,
      },
    ]);
  });

  test("is told apart from modules that it does not use", () => {
    const calls = needs({ ...files, "go.work": "use ./svc/link\n" })?.testCalls();
    expect(calls?.map(({ directory, outsideWorkspace }) => [directory, outsideWorkspace])).toEqual([
      ["svc/link/api", true],
      [".", false],
      ["lib", true],
    ]);
  });
});

test.each<[files: Record<string, string>, optional: boolean]>([
  [{ "a_test.go": "//go:build e2e\n\npackage a\n" }, true],
  [{ "a_test.go": "// Copyright\n\n// +build e2e\n\npackage a\n" }, true],
  [{ "a_windows.go": "package a\n", "a_windows_test.go": "package a\n" }, true],
  [{ "a_linux_arm64_test.go": "package a\n" }, true],
  [{ "a.go": 'package a\n\nimport "C"\n', "a_linux_test.go": "package a\n" }, true],
  [{ "a.go": "//go:build e2e\n\npackage a\n", "a_test.go": "package a\n" }, false],
  [{ "a.go": "package a\n", "a_test.go": "//go:build e2e\n\npackage a\n" }, false],
  [{ "link_service_test.go": "package a\n" }, false],
  [{ "a_test.go": "package a\n\n//go:build is of no effect here\n" }, false],
])("a build may have nothing of a package with %j: %j", (files, optional) => {
  const found = needs({
    "go.mod": mod("shop"),
    "svc/link/main.go": go("main"),
    ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`svc/link/a/${name}`, text])),
  });
  expect(found?.testCalls().map((call) => call.optional)).toEqual([optional ? ["./svc/link/a"] : []]);
});
