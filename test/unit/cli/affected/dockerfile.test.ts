import { describe, expect, test } from "vitest";
import { dockerfileSources } from "../../../../cli/affected/dockerfile.ts";
import type { GoBuild } from "../../../../cli/affected/run-instruction.ts";
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
      "libs/common/README.md": "a",
      "libs/other/x.py": "",
      "requirements.txt": "a",
      "docs/api.md": "a",
      "docs/other.md": "",
      "svc/a/README.md": "a",
      "svc/a/main.py": "a",
    });
  });

  test("may copy everything: then all that the builder sees and that is not the repository's own counts", () => {
    expectAffected(shop(everything, "tools\n"), {
      "libs/x.py": "a",
      "libs/x.md": "a",
      "libs/docs/x.py": "a",
      "docs/x.py": "a",
      "tools/x.py": "",
      "svc/b/x.py": "a b",
      "svc/shared.py": "a",
      Makefile: "a",
      "requirements.txt": "a",
      ".cargo/config.toml": "a",
    });
  });

  test.each(
    [
      [".github/workflows/x.yml", ".circleci/config.yml", ".gitlab-ci.yml", ".gitignore", "libs/.gitattributes"],
      [".vscode/settings.json", ".editorconfig", "svc/b/Dockerfile.dockerignore", "svc/b/service.yaml"],
      ["Pulumi.yaml", "stacks/Pulumi.dev.yaml"],
    ].flat(),
  )("may copy everything: %s is there for others than the build", (file) => {
    const modules = { "svc/web/Dockerfile": everything, "svc/web/package.json": "{}", "go.mod": "module a" };
    const found = affectedServices(
      { ...shop(everything), ...modules, "svc/c/Dockerfile": everything, "svc/c/a.go": go("a") },
      [file],
    );
    expect(found[file]).toMatch(/^(|b|\(b\))$/);
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
    const settings = { a: { only: ["none"] } };
    expectAffected(
      shop(`${build}COPY x y\nFROM scratch\nCOPY --from=build /src/db/m /m\nCOPY --from=1 /src/db/y /out/x /\n`),
      { "db/m/1.sql": "a", "db/y/1": "a", "out/x": "", "db/n/1.sql": "" },
      { settings },
    );
  });

  test("may take what an argument of the build says: then anything where that is", () => {
    const dockerfile = "FROM x\nCOPY svc/${SERVICE} libs/$LANGUAGE/x ./\n";
    expectAffected(shop(dockerfile), { "svc/shared.py": "a", "svc/b/x": "a b", "libs/py/x": "a", Makefile: "" });
  });

  test("may copy everything, and `only` says what of it counts; `paths` adds to it", () => {
    const table = {
      "libs/x.py": "a",
      "libs/x.c": "",
      "docs/a.md": "a",
      "docs/b.md": "",
      "other/x": "",
      "tools/x/y": "b",
    };
    const only = { a: { only: ["libs/**/*.py", "docs/a.md"] }, b: { paths: ["tools"] } };
    expectAffected(shop(everything), { ...table, "svc/a/x.c": "a", "svc/a/Dockerfile": "a" }, { settings: only });
    // What is ignored, `only` does not bring back, and `paths` does.
    const both = { a: { only: ["libs"], paths: ["docs/a.md"] } };
    expectAffected(shop(everything, "libs\ndocs\n"), { "libs/x": "", "docs/a.md": "a", x: "" }, { settings: both });
    const paths = { a: { paths: ["libs/**/*.py", "docs/a.md"] } };
    expectAffected(shop(everything), { "libs/x.py": "a", "libs/x.c": "a", "docs/b.md": "a" }, { settings: paths });
  });

  test("may be in a directory `docs`", () => {
    const files = { ...shop("FROM x\n"), "apps/docs/Dockerfile": everything, "apps/docs/package.json": "{}" };
    expectAffected(files, {
      "apps/docs/src/page.tsx": "docs",
      "apps/docs/guide.md": "docs",
      "svc/a/docs/views.py": "a",
      "docs/logo.svg": "docs",
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
        "svc/link/README.md": "link",
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
      { directory: "cmd/b", below: true, written: true },
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

describe("a command of a stage takes", () => {
  const toolsOf = (line: string): string[] =>
    [...(dockerfileSources(`FROM golang AS build\nCOPY . .\n${line}\n`).tools.get(".") ?? [])].toSorted();

  test.each<[line: string]>([
    ["RUN ./build.sh"],
    ["RUN sh -c 'go build ./svc/a'"],
    ["RUN make link"],
    ["RUN for x in a b; do go build ./cmd/$x; done"],
    ["RUN go build ./cmd/*"],
    ["RUN ls cmd | xargs -n1 go build"],
    ["ARG SERVICE\nRUN go build ./svc/$SERVICE"],
    ["RUN cd $DIR && go build"],
    ['RUN ["sh", "-c", "go build ./svc/a"]'],
    ['RUN go build -ldflags "-X main.version=$(cat VERSION)" ./svc/a'],
    ['RUN go build -ldflags "-X main.version=`cat VERSION`" ./svc/a'],
    ["RUN go generate ./... && go build ./svc/a"],
    ["RUN go run ./tools/gen"],
    ["RUN go tool templ generate"],
    ["RUN protoc --go_out=. proto/*.proto"],
    ["RUN go build ./svc/a; cp -t /web web"],
    ["RUN <<EOF\ngo build ./svc/a\npython3 gen.py\nEOF"],
    ["RUN <<EOF\n#!/usr/bin/env python3\nopen('x')\nEOF"],
    ["RUN bash <<EOF\ngo build ./svc/a\nEOF"],
    ["RUN cat <<EOF > /x\nhello\nEOF"],
    ["RUN eval go build ./svc/a"],
    ["RUN go build 'unclosed"],
    ["RUN f() { go build ./svc/a; }; f"],
    ["RUN source env.sh"],
    ["RUN . ./env.sh && go build ./svc/a"],
    ["RUN GOFLAGS=-x tools/build ./svc/a"],
    ['SHELL ["pwsh", "-c"]\nRUN go build ./svc/a'],
    ["RUN npx esbuild ../b"],
    ["CMD go run ./cmd/x"],
    ['ENTRYPOINT ["go", "run", "./cmd/x"]'],
    ["RUN cargo-something"],
  ])("all that is there, if it is not known what it reads: %j", (line) => {
    expect(toolsOf(line)).toContain("unknown");
  });

  test.each<[line: string, tools: string[]]>([
    ["RUN go mod download && CGO_ENABLED=0 go build -o /out/a ./svc/a", ["go"]],
    ["RUN set -eux; apk add --no-cache git ca-certificates; go build -o /a ./svc/a > /log 2>&1", ["go"]],
    ["RUN <<EOF\nset -e\n# what is wanted\ngo build ./svc/a\ngo build ./cmd/migrate\nEOF", ["go"]],
    ["RUN --mount=type=cache,target=/root/.cache GOOS=$TARGETOS go build -o /a ./svc/a", ["go"]],
    ['RUN if [ -n "$X" ]; then go build ./svc/a; else go build ./svc/b; fi', ["go"]],
    ['RUN go build -ldflags "-X main.v=$(git describe) -X main.d=$(date +%s)" ./svc/a', ["go"]],
    ["RUN (cd svc/a && go build) && (cd svc/b && go build)", ["go"]],
    ["RUN npm ci && npm run build", ["node"]],
    ["RUN mkdir -p /x && chmod 700 /x", []],
  ])("only what its tool needs: %j", (line, tools) => {
    expect(toolsOf(line)).toEqual(tools);
  });
});

describe("a reading of a Dockerfile that is not complete counts all that the stage has", () => {
  const shop = (dockerfile: string): Record<string, string> => ({
    "go.mod": "module shop\n",
    "svc/a/Dockerfile": dockerfile,
    "svc/a/main.go": go("main", "shop/pkg/used"),
    "svc/b/Dockerfile": "FROM scratch\n",
    "svc/b/main.go": go("main"),
    "cmd/migrate/main.go": go("main", "shop/pkg/store"),
    "pkg/used/used.go": go("used"),
    "pkg/store/store.go": go("store"),
  });
  const build = "FROM golang AS build\nWORKDIR /src\nCOPY . .\n";
  const last = "FROM scratch\nCOPY --from=build /out /\n";
  const changed = ["cmd/migrate/main.go", "pkg/store/store.go", "terraform/main.tf", "compose.yaml", "svc/b/main.go"];
  const table = (dockerfile: string): Record<string, string> =>
    affectedServices({ ...shop(dockerfile), "terraform/main.tf": "" }, changed);
  const services = (...found: string[]): Record<string, string> =>
    Object.fromEntries(changed.map((file, index) => [file, found[index] ?? ""]));

  test.each<[commands: string, found: string[]]>([
    ["RUN go build -o /out/ ./svc/a", ["", "", "", "", "b"]],
    ["RUN go build -o /out/ ./svc/a\nRUN <<EOF\ngo build -o /out/ ./cmd/migrate\nEOF", ["a", "a", "", "", "b"]],
    ["RUN go build -o /out/ ./svc/a ./cmd/migrate", ["a", "a", "", "", "b"]],
    ["RUN go build -o /out/ ./...", ["a", "a", "", "", "a b"]],
    ["RUN go build -o /out/ ./svc/a\nRUN ./scripts/build.sh", ["a", "a", "a", "a", "a b"]],
    ["RUN for x in migrate; do go build -o /out/ ./cmd/$x; done", ["a", "a", "a", "a", "a b"]],
    ["RUN sh -c 'go build -o /out/ ./cmd/migrate'", ["a", "a", "a", "a", "a b"]],
    ["RUN make", ["a", "a", "a", "a", "a b"]],
    ["RUN go build -o /tmp/a ./svc/a && mkdir -p /out && cp /tmp/a /src/bin/a /out/", ["", "", "", "", "b"]],
    ["RUN go build -o /out/ ./svc/a && cp -r cmd /out/", ["a", "a", "a", "a", "a b"]],
    ["RUN go build -o /out/ ./svc/a && mv terraform/*.tf /out/", ["a", "a", "a", "a", "a b"]],
    ["COPY --chmod=755 <<EOF build.sh\ngo build ./cmd/migrate\nEOF\nRUN ./build.sh", ["a", "a", "a", "a", "a b"]],
  ])("%j", (commands, found) => {
    expect(table(`${build}${commands}\n${last}`)).toEqual(services(...found));
  });

  test("also in a stage that begins with that one, or copies from it", () => {
    const copy = "FROM golang AS compile\nCOPY --from=build /src /work\nWORKDIR /work\nRUN make\n";
    expect(table(`${build}${copy}FROM scratch\nCOPY --from=compile /out /\n`)).toEqual(
      services("a", "a", "a", "a", "a b"),
    );
    const onward = "ARG BASE=build\n";
    expect(table(`${onward}${build}FROM \${BASE} AS more\nRUN make\n${last}`)).toEqual(
      services("a", "a", "a", "a", "a b"),
    );
    expect(table(`ARG BASE\n${build}FROM $BASE AS more\nRUN make\n${last}`)).toEqual(
      services("a", "a", "a", "a", "a b"),
    );
  });

  test("also where stages copy so often from each other that it is not followed", () => {
    const doubling = Array.from(
      { length: 40 },
      (_, index) =>
        `FROM ${index === 0 ? "build" : `s${index}`} AS s${index + 1}\nCOPY --from=${index === 0 ? "build" : `s${index}`} / /d${index}\n`,
    ).join("");
    const run = "RUN go build -o /out/ ./svc/a\n";
    expect(table(`${build}${run}${doubling}FROM scratch\nCOPY --from=s40 /out /\n`)).toEqual(
      services("a", "a", "a", "a", "a b"),
    );
  });

  test("but not in another stage", () => {
    expect(table(`FROM node AS web\nRUN make\n${build}RUN go build -o /out/ ./svc/a\n${last}`)).toEqual(
      services("", "", "", "", "b"),
    );
  });

  test("what the image keeps counts, whatever is compiled of it", () => {
    const keeps = `${build}RUN go build -o /out/ ./svc/a\n${last}COPY --from=build /src/terraform /t\n`;
    expect(table(keeps)).toEqual(services("", "", "a", "", "b"));
  });

  test("so does one that is written for another frontend, or not to its end", () => {
    const run = "RUN go build -o /out/ ./svc/a\n";
    expect(table(`# syntax=example.com/devcontainer:1\n${build}${run}${last}`)).toEqual(
      services("a", "a", "a", "a", "a b"),
    );
    expect(table(`# syntax=docker/dockerfile:1.7\n${build}${run}${last}`)).toEqual(services("", "", "", "", "b"));
    expect(table(`${build}INCLUDE common.Dockerfile\n${run}${last}`)).toEqual(services("a", "a", "a", "a", "a b"));
    expect(table(`FROM x\nRUN <<EOF\ngo build`)).toEqual(services("a", "a", "a", "a", "a b"));
  });
});

test("what a Dockerfile takes counts whatever it is called", () => {
  const files = {
    "svc/a/Dockerfile": "FROM x\nCOPY docs/openapi /o\nCOPY LICENSE ./\nCOPY svc/a ./\n",
    "svc/b/Dockerfile": everything,
  };
  expectAffected(files, {
    "docs/openapi/api.yaml": "a b",
    "docs/openapi/intro.md": "a b",
    "docs/guide.md": "b",
    "svc/a/prompts/system.md": "a b",
    "svc/b/prompts/system.md": "b",
    "svc/b/README.md": "b",
    LICENSE: "a b",
    "content/post.md": "b",
    "docs/index.html": "b",
  });
});

test.each<[language: string, files: Record<string, string>, found: string]>([
  ["Python", { "svc/a/app.py": "import svc.b.models\n" }, "a b"],
  ["Ruby", { "svc/a/app.rb": "" }, "a b"],
  ["Rust", { "svc/a/Cargo.toml": "", "svc/a/src/main.rs": "" }, "a b"],
  ["nothing that is known", {}, "a b"],
  ["Go", { "svc/a/main.go": "package main\n", "go.mod": "module shop\n" }, "b"],
  ["Go and Python", { "svc/a/main.go": "package main\n", "go.mod": "module shop\n", "svc/a/x/y.py": "" }, "b"],
  ["Go and Ruby", { "svc/a/main.go": "package main\n", "go.mod": "module shop\n", "svc/a/x/y.rb": "" }, "a b"],
  ["Node", { "svc/a/package.json": "{}", "svc/a/index.js": "" }, "b"],
  ["Node and PHP", { "svc/a/package.json": "{}", "svc/a/index.php": "" }, "a b"],
])("what a service in %s copies of another service", (_language, files, found) => {
  expectAffected(
    { "svc/a/Dockerfile": everything, "svc/b/Dockerfile": "FROM scratch\n", ...files },
    { "svc/b/models.x": found },
  );
});

test.each([
  ["COPY --parents mono/./svc/a /src/", "/src/svc/a"],
  ["COPY --parents mono/svc/a /src/", "/src/mono/svc/a"],
  ["COPY --parents=false mono/svc/a /src/", "/src"],
])("what a path keeps of its directories: %s", (copy, directory) => {
  const text = `FROM golang\n${copy}\nWORKDIR ${directory}\nRUN go build .\n`;
  expect(dockerfileSources(text).goBuilds).toEqual([{ directory: "mono/svc/a", below: false }]);
});
