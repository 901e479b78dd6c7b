import { afterEach, describe, expect, test } from "vitest";
import { goGraph } from "../../../../cli/affected/go.ts";
import { sourceTree } from "../../../../cli/affected/source-tree.ts";
import { everything, expectAffected, go, goShop } from "../../../support/affected-table.ts";
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

  test("is kept apart from modules that it does not use", () => {
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

describe("Go", () => {
  test("a file affects the services that import its package, directly or not", () => {
    expectAffected(goShop, {
      "svc/link/main.go": "link",
      "svc/link/store/store.go": "link",
      "svc/link/client/client.go": "link user",
      "svc/link/gone.go": "link",
      "svc/link/page.html": "link",
      "svc/user/cmd/server/main.go": "user",
      "pkg/web/web.go": "link",
      "pkg/web/asm_amd64.s": "link",
      "pkg/settings/settings.go": "link user",
      "pkg/unused/unused.go": "",
      "pkg/settings/deeper/x.go": "",
    });
  });

  test("tests, and what only they import, affect only tests", () => {
    expectAffected(goShop, {
      "svc/link/main_test.go": "(link)",
      "svc/link/testdata/x.json": "(link)",
      "pkg/web/web_test.go": "(link)",
      "pkg/web/testdata/x.json": "(link)",
      "pkg/webtest/webtest.go": "(link)",
      "pkg/fake/fake.go": "(link)",
      "pkg/unused/unused_test.go": "",
      "pkg/unused/testdata/x.json": "",
    });
  });

  test("what tests embed affects the tests of those that have the package", () => {
    const golden = `${go("web_test", "embed")}//go:embed golden/*.json\nvar f embed.FS\n`;
    const dockerfile = "FROM golang AS b\nCOPY . .\nRUN go build -o /a ./svc/link\nFROM scratch\nCOPY --from=b /a /a\n";
    expectAffected(
      { ...goShop, "svc/link/Dockerfile": dockerfile, "pkg/web/golden_test.go": golden },
      { "pkg/web/golden/1.json": "(link) user", "pkg/web/golden/1.txt": "user" },
    );
  });

  test("code in C and in assembly may include what is in the directory of a package that nobody imports", () => {
    const table = (text: string, file = "pkg/web/c.go"): void =>
      expectAffected(
        { ...goShop, [file]: text },
        { "pkg/unused/x.h": "link", "pkg/unused/x.c": "link", "pkg/unused/unused.go": "" },
      );
    table('package web\n\n// #include "../unused/x.h"\nimport "C"\n');
    table('#include "../unused/x.h"\nTEXT ·a(SB), 0, $0\n', "pkg/web/a_amd64.s");
  });

  test("of other files, those that are embedded count", () => {
    expectAffected(goShop, {
      "pkg/web/pages/index.html": "link",
      "pkg/web/static/css/x.css": "link",
      "pkg/web/static/README.md": "link",
    });
  });

  test("files that are no code of Go, and embedded nowhere, are for the Dockerfile", () => {
    const files = { ...goShop, "native/x.c": "", "pkg/settings/x.c": "", "svc/user/Dockerfile": "FROM scratch\n" };
    expectAffected(files, {
      "pkg/web/pages/deeper/index.html": "link",
      "migrations/1.sql": "link",
      "native/include/x.h": "link",
      "pkg/settings/x.c": "link user",
      "pkg/unused/x.c": "",
    });
  });

  test("vendored packages count by their imports, what says the versions for all", () => {
    expectAffected(goShop, {
      "vendor/github.com/lib/pq/conn.go": "link",
      "vendor/github.com/lib/pq/oid/oid.go": "link",
      "vendor/github.com/lib/pq/LICENSE": "",
      "vendor/github.com/other/x.go": "",
      "vendor/modules.txt": "link user",
      "go.mod": "link user",
      "go.sum": "link user",
    });
  });

  test("modules are found through a workspace, and through replacements", () => {
    const shop = {
      "go.work": 'go 1.26\n\nuse (\n\t./svc/link // its own\n\t"./lib"\n)\nuse ./svc/user\n',
      "lib/go.mod": "module example.com/lib",
      "lib/a/a.go": go("a"),
      "svc/link/Dockerfile": everything,
      "svc/link/go.mod": "module example.com/link\nrequire example.com/lib v0.0.0\n",
      "svc/link/main.go": go("main", "example.com/lib/a"),
      "svc/user/Dockerfile": everything,
      "svc/user/go.mod": "module example.com/user\nreplace example.com/kit v1.0.0 => ../../kit\n",
      "svc/user/main.go": go("main", "example.com/kit"),
      "svc/lone/Dockerfile": everything,
      "svc/lone/go.mod": "module example.com/lone\nreplace (\n\texample.com/kit => ../../kit/\n)\n",
      "svc/lone/main.go": go("main", "example.com/kit/sub", "example.com/lib/a"),
      "kit/go.mod": "module example.com/kit",
      "kit/kit.go": go("kit"),
      "kit/sub/sub.go": go("sub", "example.com/kit"),
    };
    expectAffected(shop, {
      "lib/a/a.go": "link",
      "lib/go.mod": "link user",
      "kit/kit.go": "lone user",
      "kit/sub/sub.go": "lone",
      "kit/go.mod": "link lone user",
      "go.work": "link user",
      "svc/lone/go.mod": "lone",
    });
  });

  test("a module's path may be the beginning of another's", () => {
    const shop = {
      "go.mod": "module shop",
      "go.work": "use .\nuse ./shared",
      "shared/go.mod": "module shop/shared",
      "shared/a/a.go": go("a"),
      "shopping/a.go": go("shopping"),
      "svc/link/Dockerfile": everything,
      "svc/link/main.go": go("main", "shop/shared/a", "shopping"),
    };
    expectAffected(shop, { "shared/a/a.go": "link", "shopping/a.go": "" });
  });

  test("imports in a circle, and of themselves, come to an end", () => {
    const shop = {
      "go.mod": "module shop",
      "svc/link/Dockerfile": everything,
      "svc/link/main.go": go("main", "shop/a"),
      "a/a.go": go("a", "shop/b", "shop/a"),
      "b/b.go": go("b", "shop/a"),
    };
    expectAffected(shop, { "a/a.go": "link", "b/b.go": "link" });
  });

  test("the Dockerfile may build a package elsewhere", () => {
    const shop = {
      "go.mod": "module shop",
      "svc/link/Dockerfile": "FROM golang\nCOPY . .\nRUN go build -o /out ./cmd/link\n",
      "cmd/link/main.go": go("main", "shop/a"),
      "a/a.go": go("a"),
      "cmd/user/main.go": go("main"),
    };
    expectAffected(shop, { "cmd/link/main.go": "link", "a/a.go": "link", "cmd/user/main.go": "" });
  });

  test.each<[build: string, user?: string]>([
    ["RUN go build ./cmd/link/main.go"],
    ["RUN go build -o link cmd/link/main.go"],
    ["RUN go build example.com/shop/cmd/link"],
    ["RUN go build -C cmd/link"],
    ["RUN (cd cmd/user) && cd cmd && go build -ldflags '-s -w' ./link"],
    ["WORKDIR cmd/link\nRUN CGO_ENABLED=0 go build -o /out ."],
    ["WORKDIR /src/cmd\nRUN go build /src/cmd/link"],
    ['WORKDIR /src/cmd\nRUN ["go", "build", "./link"]'],
    ["RUN go build ./cmd/link/..."],
    ["RUN go install ./cmd/...", "link"],
    ["RUN go build -o /out ./...", "link"],
  ])("the package may be named in many ways: %s", (build, user = "") => {
    const shop = {
      "go.mod": "module example.com/shop",
      "svc/link/Dockerfile": `FROM golang\nWORKDIR /src\nCOPY . .\n${build}\n`,
      "cmd/link/main.go": go("main", "example.com/shop/a"),
      "a/a.go": go("a"),
      "cmd/user/main.go": go("main"),
    };
    const table = { "cmd/link/main.go": "link", "a/a.go": "link", "cmd/user/main.go": user, "go.sum": "link" };
    expectAffected(shop, table);
  });

  test("a service with packages of its own is made of these, although its Dockerfile builds whatever there is", () => {
    const shop = { ...goShop, "svc/link/Dockerfile": `${everything}RUN go build ./... ./pkg/unused\n` };
    expectAffected(shop, { "svc/user/cmd/server/main.go": "user", "pkg/unused/unused.go": "link" });
  });
});
