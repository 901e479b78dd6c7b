import { expect, test } from "vitest";
import { serviceGraph } from "../../../../cli/affected/graph.ts";
import { countedSteps } from "../../../support/counted-steps.ts";
import { SampleMonorepo } from "../../../support/sample-monorepo.ts";

/** The files of a repository in which one thing is repeated so many times. */
type Growing = (times: number) => Readonly<Record<string, string>>;

const many = (times: number, line: (index: number) => string): string =>
  Array.from({ length: times }, (_, index) => line(index)).join("");
const dockerfile =
  (text: (times: number) => string, more: Readonly<Record<string, string>> = {}): Growing =>
  (times) => ({
    "svc/a/main.go": "package main\n",
    "go.mod": "module shop\n",
    ...more,
    "svc/a/Dockerfile": text(times),
  });
const everything = (...commands: string[]): string =>
  `FROM x AS build\nCOPY . .\n${commands.map((line) => `RUN ${line}\n`).join("")}`;
const file =
  (
    path: string,
    text: (times: number) => string,
    command: string,
    more: Readonly<Record<string, string>> = {},
  ): Growing =>
  (times) => ({ "svc/a/Dockerfile": everything(command), ...more, [path]: text(times) });
const go = (text: (times: number) => string): Growing =>
  file("svc/a/main.go", text, "go build ./svc/a", { "go.mod": "module shop\n" });
const node = (path: string, text: (times: number) => string, more: Readonly<Record<string, string>> = {}): Growing =>
  file(path, text, "npm run build", {
    "package.json": '{"workspaces": ["svc/*", "libs/*"]}',
    "svc/a/package.json": '{"name": "a"}',
    "svc/a/x.ts": 'import "@a/b";\n',
    "libs/b/package.json": '{"name": "@a/b"}',
    ...more,
  });
const rust = (path: string, text: (times: number) => string): Growing =>
  file(path, text, "cargo build -p a", {
    "Cargo.toml": '[workspace]\nmembers = ["svc/*"]\n',
    "svc/a/Cargo.toml": '[package]\nname = "a"\n',
    "svc/a/src/main.rs": "",
    "svc/a/build.rs": "",
  });
const python = (path: string, text: (times: number) => string): Growing =>
  file(path, text, "pip install -r svc/a/requirements.txt", {
    "svc/a/app.py": "",
    "libs/b/__init__.py": "",
    "svc/a/requirements.txt": "",
  });
const repeated =
  (text: string): ((times: number) => string) =>
  (times) =>
    text.repeat(times);

test.each<[what: string, growing: Growing]>([
  [
    "RUN lines",
    dockerfile((times) => everything(...Array.from({ length: times }, (_, index) => `go build ./cmd/c${index}`))),
  ],
  [
    "COPY lines",
    dockerfile((times) => `FROM x\n${many(times, (index) => `COPY a${index} /b${index}\n`)}RUN go build ./svc/a\n`),
  ],
  [
    "stages that copy from the one before",
    dockerfile(
      (times) =>
        `FROM x AS s0\nCOPY . /src\n${many(times, (index) => `FROM x AS s${index + 1}\nCOPY --from=s${index} /src /src\n`)}`,
    ),
  ],
  [
    "stages that double what they have",
    dockerfile(
      (times) =>
        `FROM x AS s0\nCOPY . /src\n${many(times, (index) => `FROM s${index} AS s${index + 1}\nCOPY --from=s${index} / /d${index}\n`)}`,
    ),
  ],
  [
    "ARGs",
    dockerfile(
      (times) =>
        `${many(times, (index) => `ARG A${index}=x\n`)}FROM x\nCOPY . .\n${many(times, (index) => `RUN echo $A${index}\n`)}`,
    ),
  ],
  ["words of a command", dockerfile((times) => everything(`go build${" -x".repeat(times)} ./svc/a`))],
  ["words of an unknown command", dockerfile((times) => everything(`make ${"a=b ".repeat(times)}`))],
  ["assignments before a command", dockerfile((times) => everything(`${"A=b ".repeat(times)}go build ./svc/a`))],
  ["env before a command", dockerfile((times) => everything(`${"env ".repeat(times)}go build ./svc/a`))],
  ["continued lines", dockerfile((times) => everything(`go build \\\n${"  -x \\\n  # why\n".repeat(times)}  ./svc/a`))],
  [
    "spaces",
    dockerfile((times) => `FROM x\nCOPY${" ".repeat(times)}.${" ".repeat(times)}.\nRUN${" ".repeat(times)}go build\n`),
  ],
  ["flags", dockerfile((times) => `FROM x\nRUN ${"--mount=type=cache,target=/x ".repeat(times)}go build ./svc/a\n`)],
  [
    "settings of a mount",
    dockerfile((times) => `FROM x\nRUN --mount=type=bind${",a=b".repeat(times)} go build ./svc/a\n`),
  ],
  ["here-documents", dockerfile((times) => `FROM x\nCOPY . .\n${"RUN <<EOF\ngo build ./svc/a\nEOF\n".repeat(times)}`)],
  [
    "here-documents without an end",
    dockerfile((times) => `FROM x\nCOPY . .\nRUN ${many(times, (index) => `<<E${index} `)}\n${"x\n".repeat(times)}`),
  ],
  ["substitutions in each other", dockerfile((times) => everything(`echo ${"$(echo ".repeat(times)}`))],
  ["substitutions one after the other", dockerfile((times) => everything(`echo ${"$(date) `date` ".repeat(times)}`))],
  ["open quotes", dockerfile((times) => everything(`echo ${`"'`.repeat(times)}`))],
  ["parentheses", dockerfile((times) => everything(`${"(cd a; ".repeat(times)}go build${")".repeat(times)}`))],
  ["redirections", dockerfile((times) => everything(`go build ./svc/a ${"> x 2>&1 ".repeat(times)}`))],
  [
    "variables in a name",
    dockerfile((times) => `ARG A=x\nFROM ${"${A:-b}".repeat(times)}\nFROM ${"${".repeat(times)}\nCOPY . .\n`),
  ],
  ["comments of a Dockerfile", dockerfile((times) => `${"# syntax x\n".repeat(times)}FROM x\nCOPY . .\n`)],
  ["strings in JSON", dockerfile((times) => `FROM x\nCOPY [${'"a", '.repeat(times)}"/b/"]\n`)],
  ["cp", dockerfile((times) => everything(`cp ${"target/x ".repeat(times)} /out`))],
  ["cargo -p", dockerfile((times) => everything(`cargo build ${"-p a ".repeat(times)}`))],
  ["pip install", dockerfile((times) => everything(`pip install ${"a==1[x] -r b.txt ./c ".repeat(times)}`))],
  ["a long name of a package", dockerfile((times) => everything(`pip install ${"a-b.".repeat(times)}!`))],
  [
    "lines of an ignore file",
    file(
      ".dockerignore",
      (times) => many(times, (index) => `**/a${times}-${index}*/b\n!x${times}-${index}\n`),
      "go build ./svc/a",
    ),
  ],
  [
    "wildcards of an ignore file",
    file(".dockerignore", (times) => `${"*a".repeat(times)}\n${"[a-z]".repeat(times)}\n`, "go build ./svc/a"),
  ],
  ["directories of an ignore file", file(".dockerignore", (times) => `${"**/".repeat(times)}x\n`, "go build ./svc/a")],
  ["a class of an ignore file", file(".dockerignore", (times) => `[${"a-b\\c".repeat(times)}]\n`, "go build ./svc/a")],
  ["Go comments", go((times) => `${"/* a */ // b\n".repeat(times)}package main\n`)],
  ["Go comments that do not end", go((times) => `package main\n${"/* ".repeat(times)}`)],
  ["Go imports", go((times) => `package main\nimport (\n${many(times, (index) => `\t"shop/p${index}" // x\n`)})\n`)],
  ["Go imports that do not end", go((times) => `package main\nimport (${' "a'.repeat(times)}`)],
  ["Go spaces", go((times) => `package main\n${" \t".repeat(times)}x\n${"\n ".repeat(times)}`)],
  [
    "Go embeds",
    go((times) => `package main\nimport "embed"\n${many(times, (index) => `//go:embed a${index}* "b c" \`d\`\n`)}`),
  ],
  ["Go embeds in a line", go((times) => `package main\nimport "embed"\n//go:embed ${'"a '.repeat(times)}\n`)],
  ["Go constraints", go((times) => `${"//go:build linux && ".repeat(times)}\n\npackage main\n`)],
  [
    "go.mod",
    file(
      "go.mod",
      (times) =>
        `module shop\n${many(times, (index) => `require x/y${index} v1 // indirect\n`)}replace (\n${many(times, (index) => `x${index} => ./x${index}\n`)})\n`,
      "go build ./svc/a",
      { "svc/a/main.go": "package main\n" },
    ),
  ],
  [
    "go.mod, spaces and comments",
    file(
      "go.mod",
      (times) => `module shop\n${" ".repeat(times)}// ${"/ ".repeat(times)}\n${'"'.repeat(times)}`,
      "go build ./svc/a",
      { "svc/a/main.go": "package main\n" },
    ),
  ],
  [
    "package.json, dependencies",
    node("svc/a/package.json", (times) =>
      JSON.stringify({
        name: "a",
        dependencies: Object.fromEntries(
          Array.from({ length: times }, (_, index) => [`d${index}`, "workspace:../x/y@"]),
        ),
      }),
    ),
  ],
  [
    "package.json, a long version",
    node("svc/a/package.json", (times) =>
      JSON.stringify({
        name: "a",
        dependencies: { b: `workspace:${"@a/".repeat(times)}`, c: `file:${"../".repeat(times)}` },
      }),
    ),
  ],
  [
    "package.json, scripts",
    node("svc/a/package.json", (times) =>
      JSON.stringify({ name: "a", scripts: { build: "tsc && ".repeat(times) + "tsc" } }),
    ),
  ],
  [
    "package.json, workspaces",
    node("package.json", (times) =>
      JSON.stringify({ workspaces: ["svc/*", ...Array.from({ length: times }, (_, index) => `p${index}/**/x*`)] }),
    ),
  ],
  ["sources of Node", node("svc/a/x.ts", (times) => many(times, (index) => `import "./x${index}"; // 'a' \`b\`\n`))],
  ["sources of Node in a line", node("svc/a/x.ts", repeated(`"a.b/`))],
  [
    "tsconfig",
    node(
      "tsconfig.json",
      (times) =>
        `{"compilerOptions": {"paths": {${many(times, (index) => `"@x${index}/*": ["libs/*/x"], `)}}}} /* ${"/* ".repeat(times)}`,
    ),
  ],
  ["tsconfig, commas and comments", node("tsconfig.json", (times) => `{${'"a": 1,, // x\n'.repeat(times)}}`)],
  [
    "settings of Node",
    node("svc/a/x.yaml", (times) => many(times, (index) => `a: [../x${index}/**/*, "@a/b${index}"]\n`)),
  ],
  [
    "paths of Node",
    node("svc/a/x.ts", (times) => `join("..", ${'"..", '.repeat(times)} "x", ${'"../.." , '.repeat(times)}`),
  ],
  [
    "turbo.json",
    node("turbo.json", (times) =>
      JSON.stringify({
        globalDependencies: Array.from({ length: times }, (_, index) => `p${String(index).padStart(3, "0")}/**`),
        tasks: Object.fromEntries(
          Array.from({ length: times }, (_, index) => [
            `t${index}`,
            { dependsOn: [`p#t${index + 1}`], inputs: ["../x/**"] },
          ]),
        ),
      }),
    ),
  ],
  [
    "nx.json",
    node("nx.json", (times) =>
      JSON.stringify({
        namedInputs: Object.fromEntries(Array.from({ length: times }, (_, index) => [`n${index}`, [`n${index + 1}`]])),
        targetDefaults: { build: { inputs: ["n0"], dependsOn: [{ projects: Array(times).fill("a-*"), target: "x" }] } },
      }),
    ),
  ],
  [
    "project.json",
    node(
      "svc/a/project.json",
      (times) => JSON.stringify({ name: "a", implicitDependencies: Array(times).fill("a-*") }),
      { "nx.json": "{}" },
    ),
  ],
  [
    "Cargo.toml, dependencies",
    rust(
      "svc/a/Cargo.toml",
      (times) =>
        `[package]\nname = "a"\n[dependencies]\n${many(times, (index) => `d${index} = { path = "../d${index}" }\n`)}`,
    ),
  ],
  [
    "Cargo.toml, members",
    rust("Cargo.toml", (times) => `[workspace]\nmembers = [${many(times, (index) => `"m${index}/*", `)}"svc/*"]\n`),
  ],
  [
    "sources of Rust",
    rust("svc/a/src/main.rs", (times) => many(times, (index) => `include_str!("../x${index}/y"); mod m${index};\n`)),
  ],
  ["sources of Rust, paths", rust("svc/a/src/main.rs", (times) => `"${"../".repeat(times)}" ${"..".repeat(times)}`)],
  ["build.rs, programs", rust("svc/a/build.rs", (times) => `fn main() {}${'Command::new("git"); '.repeat(times)}`)],
  ["build.rs, variables", rust("svc/a/build.rs", (times) => `fn main() {}${'env!   ("OUT_DIR"); '.repeat(times)}`)],
  ["build.rs, spaces", rust("svc/a/build.rs", (times) => `mod${" ".repeat(times)}x${" mod".repeat(times)}`)],
  [
    "imports of Python",
    python("svc/a/app.py", (times) =>
      many(times, (index) => `from libs.b import (a${index}, # x\n b)\nimport m${index}\n`),
    ),
  ],
  ["imports of Python that do not end", python("svc/a/app.py", repeated("from a import (\n"))],
  ["imports of Python in a line", python("svc/a/app.py", (times) => `from a import (${"b as c, ".repeat(times)}`)],
  [
    "spaces of Python",
    python(
      "svc/a/app.py",
      (times) => `${" ".repeat(times)}x\nfrom${" ".repeat(times)}a${" ".repeat(times)}x${": ".repeat(times)}`,
    ),
  ],
  [
    "dots of Python",
    python(
      "svc/a/app.py",
      (times) => `from ${".".repeat(times)} import a\nimport ${"a.".repeat(times)}b\n"${"a.".repeat(times)}b"`,
    ),
  ],
  [
    "paths of Python",
    python(
      "svc/a/app.py",
      (times) => `x${".parent".repeat(times)}; dirname(${"dirname(".repeat(times)} "${"../".repeat(times)}"`,
    ),
  ],
  ["loaders of Python", python("svc/a/app.py", repeated("import_module('a.b')\n"))],
  ["continued lines of Python", python("svc/a/app.py", repeated("import a, \\\n"))],
  [
    "requirements",
    python("svc/a/requirements.txt", (times) =>
      many(times, (index) => `-e ../../libs/b[x${index}]\nd${index} @ file:../x\n`),
    ),
  ],
  [
    "pyproject.toml",
    python(
      "svc/a/pyproject.toml",
      (times) => `[project]\nname = "a"\ndependencies = [${many(times, (index) => `"d${index}[x]>=1; y", `)}]\n`,
    ),
  ],
])("steps grow with the length of what is read: %s", (_what, growing) => {
  const [, ...steps] = [5, 40, 80, 160].map((times) => {
    using sample = new SampleMonorepo(growing(times));
    const monorepo = sample.monorepo();
    return countedSteps(() => {
      for (const { match } of serviceGraph(monorepo))
        for (const path of ["svc/a/x", "libs/b/src/lib.rs", "terraform/main.tf", "libs/b/x.py"]) match(path);
    });
  });
  const [few = 0, more = 0, most = 0] = steps;
  // The first round has what is done once in a process.
  // Twice the length is twice the work; what the rest of the repository costs is in all of them.
  expect(most - more, `${steps.join(", ")} steps`).toBeLessThanOrEqual(2.3 * (more - few) + 4000);
});
