import { handOver, lines, type Language } from "../model.ts";

export const go: Language = {
  name: "Go",
  libraries: "pkg",
  shares: false,
  styles: [
    {
      name: "everything",
      weight: 5,
      recipe: ({ name, directory }) => ({
        dockerfile: lines(
          "FROM golang:1.26 AS build",
          "WORKDIR /src",
          "COPY go.mod go.sum ./",
          "RUN go mod download",
          "COPY . .",
          `RUN CGO_ENABLED=0 go build -o /out/${name} ./${directory}`,
          ...handOver(name, `/out/${name}`),
        ),
        copies: [""],
        keeps: false,
      }),
    },
    {
      name: "by name",
      weight: 3,
      recipe: ({ name, directory }) => ({
        dockerfile: lines(
          "FROM golang:1.26 AS build",
          "WORKDIR /src",
          "COPY go.mod go.sum ./",
          "COPY pkg pkg",
          `COPY ${directory} ${directory}`,
          `RUN --mount=type=cache,target=/root/.cache go build -o /out/ ./${directory}`,
          ...handOver(name, `/out/${name}`),
        ),
        copies: ["go.mod", "go.sum", "pkg", directory],
        keeps: false,
      }),
    },
    {
      name: "two programs",
      weight: 1,
      recipe: ({ name, directory }, _needed, all) => {
        const tool = all.find(({ kind }) => kind === "library");
        return {
          dockerfile: lines(
            "FROM golang:1.26 AS build",
            "WORKDIR /src",
            "COPY . .",
            "RUN <<EOF",
            `go build -o /out/${name} ./${directory}`,
            ...(tool === undefined ? [] : [`go build -o /out/tool ./${tool.directory}`]),
            "EOF",
            ...handOver(name, "/out"),
          ),
          copies: [""],
          keeps: false,
          builds: tool === undefined ? [] : [tool.name],
        };
      },
    },
    {
      name: "make",
      weight: 0.4,
      recipe: ({ name }) => ({
        dockerfile: lines(
          "FROM golang:1.26 AS build",
          "WORKDIR /src",
          "COPY . .",
          `RUN make ${name}`,
          ...handOver(name, `/src/bin/${name}`),
        ),
        copies: [""],
        keeps: false,
        reads: ["Makefile"],
      }),
    },
  ],
  unitFiles: ({ unit, libraries, version }) => {
    const name = unit.kind === "service" ? "main" : unit.name;
    const imports = libraries.map(({ directory }) => `\t_ "example.com/shop/${directory}"`);
    return {
      [`${unit.name}.go`]: lines(
        `package ${name}`,
        "",
        "import (",
        '\t_ "embed"',
        ...imports,
        ")",
        "",
        "//go:embed assets/*.sql",
        "var schema string",
        `const version = ${version(`${unit.name}.go`)}`,
        ...(name === "main" ? ["func main() {}"] : []),
      ),
      ...Object.fromEntries(
        unit.sources.map((source) => [
          `${source}.go`,
          lines(`package ${name}`, `const ${source} = ${version(`${source}.go`)}`),
        ]),
      ),
      [`${unit.name}_test.go`]: lines(
        `package ${name}`,
        'import "testing"',
        `const tested = ${version(`${unit.name}_test.go`)}`,
        "func TestIt(*testing.T) {}",
      ),
      "testdata/case.json": lines(`{"version": ${version("testdata/case.json")}}`),
      "assets/schema.sql": lines(`SELECT ${version("assets/schema.sql")};`),
      "README.md": lines(`# ${unit.name}`, `${version("README.md")}`),
    };
  },
  rootFiles: (units, version) => ({
    "go.mod": lines("module example.com/shop", "", "go 1.26", `// ${version("go.mod")}`),
    "go.sum": lines(`// ${version("go.sum")}`),
    Makefile: lines(
      `# ${version("Makefile")}`,
      ...units
        .filter(({ kind }) => kind === "service")
        .flatMap(({ name, directory }) => [`${name}:`, `\tgo build -o bin/${name} ./${directory}`]),
    ),
  }),
  compiles: (path) => (path.endsWith(".go") && !path.endsWith("_test.go")) || path.startsWith("assets/"),
  isCommon: (path) => path === "go.mod" || path === "go.sum",
};
