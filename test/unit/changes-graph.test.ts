import { afterEach, describe, expect, test } from "vitest";
import { serviceGraph } from "../../cli/changes/service-graph.ts";
import type { ServiceSettings } from "../../components/service.ts";
import { SampleMonorepo } from "../sample-monorepo.ts";

const made: SampleMonorepo[] = [];
afterEach(() => made.splice(0).forEach((sample) => sample[Symbol.dispose]()));

interface Options {
  readonly context?: "service" | "app";
  readonly settings?: Readonly<Record<string, ServiceSettings>>;
}

/** Per file: the services that it concerns, those of which it concerns only the tests in parentheses. */
function concerned(files: Readonly<Record<string, string>>, changed: readonly string[], options: Options = {}) {
  const sample = new SampleMonorepo(files);
  made.push(sample);
  const graph = serviceGraph(sample.monorepo(options.context, options.settings));
  return Object.fromEntries(
    changed.map((file) => {
      const found = graph.map(({ service, concern }) => ({ name: service.name, part: concern(file)?.part }));
      const names = found.flatMap(({ name, part }) =>
        part === undefined ? [] : [part === "image" ? name : `(${name})`],
      );
      return [file, names.join(" ")];
    }),
  );
}

/** Checks a table of file → services. */
function expectConcerns(
  files: Readonly<Record<string, string>>,
  table: Readonly<Record<string, string>>,
  options?: Options,
): void {
  expect(concerned(files, Object.keys(table), options)).toEqual(table);
}

const everything = "FROM scratch\nCOPY . .\n";
const go = (name: string, ...imports: string[]): string =>
  `package ${name}\nimport (\n${imports.map((path) => `\t"${path}"\n`).join("")})\n`;

const goShop = {
  "go.mod": "module example.com/shop\n\ngo 1.26\n",
  "svc/link/Dockerfile": everything,
  "svc/link/main.go": go("main", "example.com/shop/pkg/web", "example.com/shop/svc/link/store", "net/http"),
  "svc/link/main_test.go": go("main", "example.com/shop/pkg/webtest"),
  "svc/link/store/store.go": go("store", "github.com/lib/pq"),
  "svc/user/Dockerfile": everything,
  "svc/user/cmd/server/main.go": go("main", "example.com/shop/pkg/settings", "example.com/shop/svc/link/client"),
  "svc/link/client/client.go": go("client", "example.com/shop/pkg/settings"),
  "pkg/web/web.go": `${go("web", "embed", "example.com/shop/pkg/settings")}//go:embed pages/*.html all:static\nvar f embed.FS\n`,
  "pkg/web/web_test.go": go("web_test", "example.com/shop/pkg/webtest"),
  "pkg/web/gen.go": `//go:build ignore\n\n${go("main", "example.com/shop/pkg/unused")}`,
  "pkg/webtest/webtest.go": go("webtest", "example.com/shop/pkg/fake"),
  "pkg/fake/fake.go": go("fake"),
  "pkg/settings/settings.go": go("settings"),
  "pkg/unused/unused.go": go("unused"),
  "vendor/modules.txt": "",
  "vendor/github.com/lib/pq/conn.go": go("pq", "github.com/lib/pq/oid"),
  "vendor/github.com/lib/pq/oid/oid.go": go("oid"),
};

describe("Go", () => {
  test("a file concerns the services that import its package, directly or not", () => {
    expectConcerns(goShop, {
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

  test("tests, and what only they import, concern only tests", () => {
    expectConcerns(goShop, {
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
    expectConcerns(goShop, {
      "pkg/web/pages/index.html": "link",
      "pkg/web/pages/deeper/index.html": "",
      "pkg/web/static/css/x.css": "link",
      "pkg/web/static/README.md": "link",
      "pkg/web/notes.txt": "",
    });
  });

  test("vendored packages count by their imports, what says the versions for all", () => {
    expectConcerns(goShop, {
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
    expectConcerns(shop, {
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
    expectConcerns(shop, { "shared/a/a.go": "link", "shopping/a.go": "" });
  });

  test("imports in a circle, and of themselves, come to an end", () => {
    const shop = {
      "go.mod": "module shop",
      "svc/link/Dockerfile": everything,
      "svc/link/main.go": go("main", "shop/a"),
      "a/a.go": go("a", "shop/b", "shop/a"),
      "b/b.go": go("b", "shop/a"),
    };
    expectConcerns(shop, { "a/a.go": "link", "b/b.go": "link" });
  });

  test("the Dockerfile may build a package elsewhere", () => {
    const shop = {
      "go.mod": "module shop",
      "svc/link/Dockerfile": "FROM golang\nCOPY . .\nRUN go build -o /out ./cmd/link\n",
      "cmd/link/main.go": go("main", "shop/a"),
      "a/a.go": go("a"),
      "cmd/user/main.go": go("main"),
    };
    expectConcerns(shop, { "cmd/link/main.go": "link", "a/a.go": "link", "cmd/user/main.go": "" });
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
  "svc/lone/Dockerfile": everything,
  "svc/lone/package.json": JSON.stringify({ name: "lone", dependencies: { "@shop/ui": "1.0.0" } }),
};

describe("Node", () => {
  test("a file concerns the services that depend on its package, directly or not", () => {
    expectConcerns(nodeShop, {
      "apps/web/src/index.ts": "web",
      "packages/ui/src/button.tsx": "web",
      "packages/ui/README.md": "",
      "packages/config/tsconfig/base.json": "web",
      "packages/old/index.js": "",
      "kit/index.js": "api",
      "svc/lone/index.js": "lone",
    });
  });

  test("what is installed, and how all is compiled, concerns all of the workspace", () => {
    expectConcerns(nodeShop, {
      "package.json": "api web",
      "package-lock.json": "api web",
      "tsconfig.base.json": "api web",
      "turbo.json": "",
      "svc/lone/package-lock.json": "lone",
      "packages/ui/package.json": "web",
    });
  });

  test("pnpm's workspaces and a faulty package.json", () => {
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
    expectConcerns(shop, {
      "libs/ui/x.ts": "web",
      "libs/a/x.ts": "web",
      "libs/b/x.ts": "",
      "pnpm-lock.yaml": "web",
    });
  });
});

describe("the Dockerfile", () => {
  const shop = (dockerfile: string, ignored = ""): Record<string, string> => ({
    "svc/a/Dockerfile": dockerfile,
    "svc/a/Dockerfile.dockerignore": ignored,
    "svc/b/Dockerfile": "FROM scratch\n",
  });

  test("names what it needs beyond the service's own directory", () => {
    expectConcerns(shop("FROM x\nCOPY libs/common ./common\nCOPY req*.txt docs/api.md ./\nCOPY svc/a/ ./\n"), {
      "libs/common/x.py": "a",
      "libs/common/README.md": "",
      "libs/other/x.py": "",
      "requirements.txt": "a",
      "docs/api.md": "a",
      "docs/other.md": "",
      "svc/a/README.md": "",
      "svc/a/main.py": "a",
    });
  });

  test("may copy everything: then what belongs to no other service, and is not the repository's own, counts", () => {
    expectConcerns(shop(everything, "tools\n"), {
      "libs/x.py": "a",
      "libs/x.md": "",
      "tools/x.py": "",
      "svc/b/x.py": "b",
      "svc/shared.py": "a",
      Makefile: "",
      ".circleci/config.yml": "",
      "stacks/Pulumi.dev.yaml": "",
    });
  });

  test("may copy everything, and `paths` says what of it counts", () => {
    const settings = { a: { paths: ["libs/**/*.py", "docs/a.md"] }, b: { paths: ["tools"] } };
    expectConcerns(
      shop(everything, "libs\n"),
      { "libs/x.py": "a", "libs/x.c": "", "docs/a.md": "a", "docs/b.md": "", "other/x": "", "tools/x/y": "b" },
      { settings },
    );
  });

  test("and its ignore file count themselves; service.yaml only for the tests; other services' not at all", () => {
    expectConcerns(shop(everything, "svc/a\n"), {
      "svc/a/Dockerfile": "a",
      "svc/a/Dockerfile.dockerignore": "a",
      "svc/a/service.yaml": "(a)",
      "svc/b/Dockerfile": "b",
    });
  });
});

describe("the build context", () => {
  test("has no files that are ignored: they concern the tests at most", () => {
    const ignore = "*\n!go.mod\n!pkg\n!svc/link\nsvc/link/*.txt\n**/*.html\n";
    expectConcerns(
      { ...goShop, "svc/link/Dockerfile.dockerignore": ignore },
      {
        "svc/link/main.go": "link",
        "svc/link/notes.txt": "(link)",
        "svc/link/README.md": "",
        "pkg/web/web.go": "link",
        "pkg/web/pages/index.html": "(link)",
        "go.sum": "(link) user",
      },
    );
  });

  test("is the service's own directory, unless the stack file says otherwise", () => {
    expectConcerns(
      { ...goShop, "svc/link/.dockerignore": "tmp\n" },
      {
        "svc/link/main.go": "link",
        "svc/link/tmp/x": "(link)",
        "svc/link/.dockerignore": "link",
        "pkg/web/web.go": "(link)",
        "svc/link/client/client.go": "link (user)",
      },
      { context: "service" },
    );
  });

  test("with a faulty ignore file is an error that names it", () => {
    expect(() => concerned({ ...goShop, ".dockerignore": "a[\n" }, [])).toThrow(/^\.dockerignore: the pattern "a\["/);
  });
});

test("the reason is the file, or the shared code that it is in", () => {
  const sample = new SampleMonorepo({ ...goShop, ...nodeShop });
  made.push(sample);
  const reasons = new Map(
    serviceGraph(sample.monorepo()).map(({ service, concern }) => [
      service.name,
      ["svc/link/main.go", "pkg/web/web.go", "packages/ui/x.ts", "go.mod"].map((file) => concern(file)?.reason),
    ]),
  );
  expect(reasons.get("link")).toEqual(["svc/link/main.go", "shared code pkg/web", undefined, "go.mod"]);
  expect(reasons.get("web")).toEqual([undefined, undefined, "shared code packages/ui", undefined]);
});
