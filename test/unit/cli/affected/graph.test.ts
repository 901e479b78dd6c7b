import { describe, expect, test } from "vitest";
import { serviceGraph } from "../../../../cli/affected/graph.ts";
import { everything, expectAffected, go, goShop } from "../../../support/affected-table.ts";
import { SampleMonorepo } from "../../../support/sample-monorepo.ts";

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

const nodeShop = {
  "package.json": JSON.stringify({ workspaces: ["apps/*", "packages/**", "!packages/old"] }),
  "apps/web/Dockerfile": everything,
  "apps/web/package.json": JSON.stringify({ name: "web", dependencies: { "@shop/ui": "*", react: "^19" } }),
  "apps/api/Dockerfile": everything,
  "apps/api/package.json": JSON.stringify({ name: "api", dependencies: { kit: "file:../../kit" } }),
  "packages/ui/package.json": JSON.stringify({
    name: "@shop/ui",
    devDependencies: { "@shop/tsconfig": "workspace:^" },
  }),
  "packages/config/tsconfig/package.json": JSON.stringify({ name: "@shop/tsconfig" }),
  "packages/old/package.json": JSON.stringify({ name: "react" }),
  "kit/package.json": JSON.stringify({ name: "kit" }),
  "svc/lone/Dockerfile": "FROM node\nCOPY svc/lone .\n",
  "svc/lone/package.json": JSON.stringify({ name: "lone", dependencies: { "@shop/ui": "1.0.0" } }),
};

describe("Node", () => {
  test("a file affects the services that depend on its package, directly or not", () => {
    expectAffected(nodeShop, {
      "apps/web/src/index.ts": "web",
      "packages/ui/src/button.tsx": "web",
      "packages/ui/src/docs/props.tsx": "web",
      "packages/ui/README.md": "",
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
});

test("the reason is the file, or the shared code that it is in", () => {
  using sample = new SampleMonorepo({ ...goShop, ...nodeShop });
  const reasons = new Map(
    serviceGraph(sample.monorepo()).map(({ service, match }) => [
      service.name,
      ["svc/link/main.go", "pkg/web/web.go", "packages/ui/x.ts", "go.mod"].map((file) => match(file)?.reason),
    ]),
  );
  expect(reasons.get("link")).toEqual(["svc/link/main.go", "shared code pkg/web", "packages/ui/x.ts", "go.mod"]);
  expect(reasons.get("web")).toEqual([undefined, "pkg/web/web.go", "shared code packages/ui", "go.mod"]);
});
