import { describe, expect, test } from "vitest";
import { dockerfileSources, type GoBuild } from "../../../../cli/affected/dockerfile.ts";
import { affectedServices, everything, expectAffected, go, goShop } from "../../../support/affected-table.ts";

describe("the Dockerfile", () => {
  const shop = (dockerfile: string, ignored = ""): Record<string, string> => ({
    "svc/a/Dockerfile": dockerfile,
    "svc/a/Dockerfile.dockerignore": ignored,
    "svc/b/Dockerfile": "FROM scratch\n",
  });

  test("names what it needs beyond the service's own directory", () => {
    expectAffected(shop("FROM x\nCOPY libs/common ./common\nCOPY req*.txt docs/api.md ./\nCOPY svc/a/ ./\n"), {
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
    expectAffected(shop(everything, "tools\n"), {
      "libs/x.py": "a",
      "libs/x.md": "",
      "libs/docs/x.py": "a",
      "docs/x.py": "",
      "tools/x.py": "",
      "svc/b/x.py": "b",
      "svc/shared.py": "a",
      Makefile: "a",
      "requirements.txt": "a",
      ".cargo/config.toml": "a",
    });
  });

  test.each(
    [
      [".github/workflows/x.yml", ".circleci/config.yml", ".gitlab-ci.yml", ".gitignore", "libs/.gitattributes"],
      [".vscode/settings.json", ".editorconfig", "LICENSE", "libs/LICENSE.txt", "README.rst", "README.md"],
      ["Pulumi.yaml", "stacks/Pulumi.dev.yaml"],
    ].flat(),
  )("may copy everything: %s is there for others than the build", (file) => {
    const modules = { "svc/web/Dockerfile": everything, "svc/web/package.json": "{}", "go.mod": "module a" };
    expectAffected(
      { ...shop(everything), ...modules, "svc/c/Dockerfile": everything, "svc/c/a.go": go("a") },
      { [file]: "" },
    );
  });

  test("may copy everything: a few modules of a language do not say what else is needed", () => {
    const tailwind = { "svc/django/Dockerfile": everything, "svc/django/package.json": "{}" };
    const helper = {
      "svc/helped/Dockerfile": everything,
      "svc/helped/health/main.go": go("main"),
      "go.mod": "module x",
    };
    const more = { "svc/x/Dockerfile": everything, "svc/x/x.go": go("x", "embed"), "svc/x/web/y.go": go("web") };
    expectAffected(
      { ...tailwind, ...helper, ...more, "svc/x/x.go": `${go("x")}//go:embed all:web\nvar f embed.FS\n` },
      {
        "libs/common/db.py": "django helped x",
        "libs/unused.go": "django",
        "package-lock.json": "django helped x",
      },
    );
  });

  test("may copy everything, and Go says of a file who embeds it", () => {
    const store = `${go("store")}//go:embed *.sql\nvar f embed.FS\n`;
    expectAffected(
      { ...goShop, "pkg/unused/unused.go": store, "svc/link/main.go": go("main", "example.com/shop/pkg/unused") },
      { "pkg/unused/1.sql": "link", "pkg/settings/1.sql": "link user" },
    );
  });

  test("may copy from one stage to the next what one has from the context", () => {
    const build = "FROM golang AS build\nWORKDIR /src\nCOPY svc/a pkg ./\nCOPY . .\nFROM build\nWORKDIR db\n";
    const settings = { a: { paths: ["none"] } };
    expectAffected(
      shop(`${build}COPY x y\nFROM scratch\nCOPY --from=build /src/db/m /m\nCOPY --from=1 /src/db/y /out/x /\n`),
      { "db/m/1.sql": "a", "db/y/1": "a", "out/x": "", "db/n/1.sql": "" },
      { settings },
    );
  });

  test("may take what an argument of the build says: then anything where that is", () => {
    const dockerfile = "FROM x\nCOPY svc/${SERVICE} libs/$LANGUAGE/x ./\n";
    expectAffected(shop(dockerfile), { "svc/shared.py": "a", "svc/b/x": "b", "libs/py/x": "a", Makefile: "" });
  });

  test("may copy everything, and `paths` says what of it counts", () => {
    const settings = { a: { paths: ["libs/**/*.py", "docs/a.md"] }, b: { paths: ["tools"] } };
    expectAffected(
      shop(everything, "libs\n"),
      { "libs/x.py": "a", "libs/x.c": "", "docs/a.md": "a", "docs/b.md": "", "other/x": "", "tools/x/y": "b" },
      { settings },
    );
  });

  test("may be in a directory `docs`, whose code is no documentation", () => {
    const files = { ...shop("FROM x\n"), "apps/docs/Dockerfile": everything, "apps/docs/package.json": "{}" };
    expectAffected(files, {
      "apps/docs/src/page.tsx": "docs",
      "apps/docs/guide.md": "",
      "svc/a/docs/views.py": "a",
      "docs/logo.svg": "",
    });
  });

  test("and its ignore file count themselves, also one that is there no more; service.yaml only for the tests; other services' not at all", () => {
    expectAffected(shop(everything, "svc/a\n"), {
      "svc/a/Dockerfile": "a",
      "svc/a/Dockerfile.dockerignore": "a",
      "svc/b/Dockerfile.dockerignore": "b",
      // The other one takes its place.
      ".dockerignore": "b",
      "svc/a/service.yaml": "(a)",
      "svc/b/Dockerfile": "b",
    });
  });
});

describe("the build context", () => {
  test("has no files that are ignored: they affect the tests at most", () => {
    const ignore = "*\n!go.mod\n!pkg\n!svc/link\nsvc/link/*.txt\n**/*.html\n";
    expectAffected(
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
    expectAffected(
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

  test("with an invalid ignore file is an error that names it", () => {
    expect(() => affectedServices({ ...goShop, ".dockerignore": "a[\n" }, [])).toThrow(
      /^\.dockerignore: the pattern "a\["/,
    );
  });
});

test.each<[dockerfile: string, copied: string[]]>([
  ["COPY . .", ["."]],
  ["COPY go.mod go.sum ./", ["go.mod", "go.sum"]],
  ["copy --chown=1:1 --link ./pkg/ /src/pkg", ["pkg"]],
  ["ADD /proto /proto", ["proto"]],
  ['COPY ["a b", "c", "/x/"]', ["a b", "c"]],
  ["COPY \\\n  # why\n  a \\\n  b \\\n  /x", ["a", "b"]],
  ["COPY --from=builder /out/link /link", []],
  ["COPY --parents --from=builder /out/link /link", []],
  ["ADD https://example.com/x.tar.gz /x", []],
  ["COPY <<EOF /x\nhello\nEOF", []],
  ["ARG DIR\nCOPY $DIR /x", ["."]],
  ["COPY package*.json ./", ["package*.json"]],
  ["RUN --mount=type=bind,source=proto,target=/proto make", ["proto"]],
  ["RUN --mount=target=. --mount=type=cache,target=/c go build", ["."]],
  ["RUN --mount=type=bind,from=builder,source=/x,target=/x make", []],
  ["RUN COPY x y", []],
])("a Dockerfile copies from its context: %j", (dockerfile, copied) => {
  expect(dockerfileSources(`FROM scratch\n${dockerfile}\n`).copied).toEqual(copied);
});

test.each<[dockerfile: string, builds: GoBuild[]]>([
  ["RUN CGO_ENABLED=0 go build -o /out/x ./cmd/x && go test ./pkg/...", [{ directory: "cmd/x", below: false }]],
  [
    "RUN go install ./cmd/a ./cmd/b/... 2>&1; go build ./...",
    [
      { directory: "cmd/a", below: false },
      { directory: "cmd/b", below: true },
      { directory: ".", below: true },
    ],
  ],
  ["RUN go build -o /out ./${DIR} .", [{ directory: ".", below: false }]],
  ["RUN go build -ldflags \"-X a=$(git describe || echo 'x y')\" -tags=x", [{ directory: ".", below: false }]],
  ["WORKDIR /src\nRUN xx-go build shop/cmd/x", [{ directory: ".", importPath: "shop/cmd/x", below: false }]],
  [
    "COPY a /src\nRUN go build main.go",
    [
      { directory: ".", below: false },
      { directory: "a", below: false },
    ],
  ],
  ["FROM golang\nWORKDIR /a\nCOPY --from=0 / /b\nRUN cd /b/src/x && go build", [{ directory: "x", below: false }]],
  ["FROM golang\nWORKDIR /a\nRUN go build ./x", [{ directory: "x", below: false }]],
  ["RUN go install example.com/tool@latest", []],
  ["CMD go run ./cmd/x", []],
])("a Dockerfile builds Go packages: %j", (dockerfile, builds) => {
  expect(dockerfileSources(`FROM golang\nCOPY . /src\nWORKDIR /src\n${dockerfile}`).goBuilds).toEqual(builds);
});
