import { describe, expect, test } from "vitest";
import { dockerfileSources, type GoBuild } from "../../cli/affected/dockerfile.ts";
import { glob } from "../../cli/affected/glob.ts";
import { parseGoSource } from "../../cli/affected/go-packages.ts";

describe("a glob", () => {
  test.each<[pattern: string, paths: string[], others: string[]]>([
    ["proto/**", ["proto/a.proto", "proto/v1/a.proto"], ["proton/a", "svc/proto/a"]],
    ["proto", ["proto", "proto/v1/a.proto"], ["proto.md", "a/proto"]],
    ["./proto/", ["proto/a"], []],
    ["**/*.sql", ["a.sql", "db/v1/a.sql"], ["a.sqlite"]],
    ["db/*.sql", ["db/a.sql", "db/.a.sql"], ["db/v1/a.sql"]],
    ["db/**/a.sql", ["db/a.sql", "db/v1/v2/a.sql"], ["dba.sql"]],
    ["{db,sql}/v?", ["db/v1", "sql/v2/a"], ["db/v10", "db/v/"]],
    ["db/[a-c]x", ["db/ax"], ["db/dx"]],
    ["db/[!a]x", ["db/bx"], ["db/ax"]],
    ["a+b(c).d", ["a+b(c).d"], ["aab(c).d", "a+b(c)xd"]],
    ["ä/*.ü", ["ä/x.ü"], ["a/x.u"]],
    [String.raw`a\*b`, ["a*b"], ["axb"]],
  ])("%j takes what it means", (pattern, paths, others) => {
    const matches = glob(pattern);
    expect(paths.filter((path) => !matches(path))).toEqual([]);
    expect(others.filter(matches)).toEqual([]);
  });
});

describe("a Go file", () => {
  test.each<[what: string, text: string, imports: string[]]>([
    ["one import", 'package a\nimport "b/c"\n', ["b/c"]],
    ["a block with names", 'package a\n\nimport (\n\tx "b"\n\t_ "c"\n\t. "d"\n\n\t"e"\n)\n', ["b", "c", "d", "e"]],
    ["several declarations", 'package a\nimport "b"\nimport ()\nimport ("c"; "d")\nvar x = 1', ["b", "c", "d"]],
    ["raw strings", "package a\nimport `b`\n", ["b"]],
    [
      "comments",
      '// Copyright import "x"\n/* import "y" */\npackage a // a\nimport ( // b\n/* import */ "b" // "z"\n// "w"\n)\n',
      ["b"],
    ],
    ["a build constraint", '//go:build linux && !cgo\n\npackage a\nimport "b"\n', ["b"]],
    ["no import", 'package a\nvar text = `\nimport "x"\n`\n', []],
    ["an import that is none", 'package a\n\nfunc f() {}\nimport "x"\n', []],
    ["Windows lines", 'package a\r\nimport (\r\n\t"b"\r\n)\r\n', ["b"]],
    ["an end too early", 'package a\nimport (\n\t"b"\n', ["b"]],
  ])("with %s", (_what, text, imports) => {
    expect(parseGoSource(text)).toMatchObject({ package: "a", imports });
  });

  test("names what it embeds", () => {
    const text = 'package a\nimport _ "embed"\n//go:embed a.txt "b c.txt" all:static\nvar x string\n  //go:embed `d`\n';
    expect(parseGoSource(text)?.embeds).toEqual(["a.txt", "b c.txt", "static", "d"]);
  });

  test.each(["", "// nothing", "//go:build ignore\n\npackage main\n", "<html>"])(
    "that is part of no package: %j",
    (text) => {
      expect(parseGoSource(text)).toBeUndefined();
    },
  );
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
