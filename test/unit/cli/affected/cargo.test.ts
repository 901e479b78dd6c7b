import { describe, expect, test } from "vitest";
import { readCargo } from "../../../../cli/affected/cargo-command.ts";
import { affectedServices, everything, expectAffected } from "../../../support/affected-table.ts";

const build = (...commands: string[]): string =>
  `FROM rust AS build\nWORKDIR /src\nCOPY . .\n${commands.map((line) => `RUN ${line}\n`).join("")}` +
  "FROM scratch\nCOPY --from=build /src/target/release/a /a\n";
const crate = (name: string, more = ""): string => `[package]\nname = "${name}"\nversion = "0.1.0"\n${more}`;

/** Two services and shared crates in one workspace. */
const shop: Record<string, string> = {
  "Cargo.toml":
    '[workspace]\nmembers = ["svc/*", "crates/*"]\nexclude = ["crates/apart"]\n' +
    '[workspace.dependencies]\ncommon = { path = "crates/common" }\nserde = "1"\n' +
    '[patch.crates-io]\nring = { path = "vendored/ring" }\n',
  "svc/a/Dockerfile": build("cargo build --release -p a"),
  "svc/a/Cargo.toml": crate(
    "a",
    '[dependencies]\ncommon.workspace = true\nserde = { workspace = true }\nbilling = { path = "../../crates/money", package = "money" }\n' +
      "[target.'cfg(unix)'.dependencies]\nunix = { path = \"../../crates/unix\" }\n" +
      '[dev-dependencies]\ntesting = { path = "../../crates/testing" }\n',
  ),
  "svc/a/src/main.rs": "fn main() {}\n",
  "svc/b/Dockerfile": build("cargo build --release -p b"),
  "svc/b/Cargo.toml": crate("b"),
  "svc/b/src/main.rs": "fn main() {}\n",
  "crates/common/Cargo.toml": crate("common", '[build-dependencies]\ngen = { path = "../gen" }\ncc = "1"\n'),
  "crates/common/build.rs": 'fn main() { println!("cargo:rerun-if-changed=../../proto/a.proto"); }\n',
  "crates/common/src/lib.rs": 'const PAGE: &str = include_str!("../../../pages/index.html");\n',
  "crates/money/Cargo.toml": crate("money"),
  "crates/money/src/lib.rs": "",
  "crates/unix/Cargo.toml": crate("unix"),
  "crates/gen/Cargo.toml": crate("gen"),
  "crates/testing/Cargo.toml": crate("testing", '[dependencies]\nfake = { path = "../fake" }\n'),
  "crates/fake/Cargo.toml": crate("fake"),
  "crates/unused/Cargo.toml": crate("unused"),
  "crates/unused/src/lib.rs": "",
  "crates/apart/Cargo.toml": crate("apart"),
  "vendored/ring/Cargo.toml": crate("ring"),
};

test("what is left out of a workspace is a path and no glob, and a member that is named is one all the same", () => {
  const dockerfile = "FROM rust\nCOPY . .\nWORKDIR /svc/a\nRUN cargo build --release\n";
  const repository = (settings: string): Record<string, string> => ({
    "Cargo.toml": `[workspace]\n${settings}\n[workspace.dependencies]\ncommon = { path = "libraries/common" }\n`,
    "Cargo.lock": "",
    "svc/a/Dockerfile": dockerfile,
    "svc/a/Cargo.toml": crate("a", "[dependencies]\ncommon.workspace = true\n"),
    "svc/a/src/main.rs": "fn main() {}\n",
    "libraries/common/Cargo.toml": crate("common"),
    "libraries/common/src/lib.rs": "",
  });
  for (const settings of [
    'members = ["svc/a"]\nexclude = ["svc"]',
    'members = ["./svc/a/"]\nexclude = ["svc/a"]',
    'members = ["svc/*"]\nexclude = ["svc/*"]',
  ])
    expectAffected(repository(settings), { "libraries/common/src/lib.rs": "a", "Cargo.lock": "a" });
});

test("crates count by their dependencies: by path, of the workspace, renamed, for a target, of a build script, in [patch]", () => {
  expectAffected(shop, {
    "Cargo.toml": "a b",
    "Cargo.lock": "a b",
    "rust-toolchain.toml": "a b",
    ".cargo/config.toml": "a b",
    "svc/a/src/main.rs": "a",
    "svc/b/src/main.rs": "b",
    "svc/b/Cargo.toml": "b",
    "crates/common/src/db.rs": "a",
    "crates/common/Cargo.toml": "a",
    "crates/money/data/rates.json": "a",
    "crates/unix/src/lib.rs": "a",
    "crates/gen/src/lib.rs": "a",
    "crates/testing/src/lib.rs": "(a)",
    "crates/fake/src/lib.rs": "(a)",
    "crates/unused/src/lib.rs": "",
    "crates/apart/src/lib.rs": "",
    "vendored/ring/src/lib.rs": "a b",
    "pages/index.html": "a",
    "proto/a.proto": "a",
    "proto/b.proto": "",
    "terraform/main.tf": "",
    "compose.yaml": "",
    ".sqlx/query.json": "a b",
  });
});

describe("what a build takes", () => {
  const found = (dockerfile: string, more: Record<string, string> = {}): string =>
    Object.entries(
      affectedServices({ ...shop, "svc/a/Dockerfile": dockerfile, ...more }, [
        "svc/a/src/main.rs",
        "svc/b/src/main.rs",
        "crates/common/src/lib.rs",
        "crates/unused/src/lib.rs",
        "deploy/values",
      ]),
    )
      .flatMap(([file, services]) =>
        /\ba\b/.test(services) ? [(file.split("/")[1] ?? "").replace("values", "x")] : [],
      )
      .join(" ");
  const everyCrate = "a b common unused";

  test.each<[command: string, what: string]>([
    ["cargo build --release -p a", "a common"],
    ["cargo build --release --package=a --locked", "a common"],
    ["cargo build --release --bin a", "a common"],
    ["cargo build --manifest-path svc/a/Cargo.toml --release", "a common"],
    ["cargo install --path svc/a --root /out", "a common"],
    ["cd svc/a && cargo build -r", "a common"],
    ["cargo build -p a -p unused", "a common unused"],
    ["cargo build --workspace", everyCrate],
    ["cargo build --release", everyCrate],
    ["cargo chef cook --release --recipe-path recipe.json && cargo build -p a", "a common"],
    ["cargo install cargo-chef --locked && cargo build -p a && cp target/release/a /out/a", "a common"],
    ["cargo build -p $SERVICE", `${everyCrate} x`],
    ["cargo build -p unknown", `${everyCrate} x`],
    ["cargo build --bin unknown", `${everyCrate} x`],
    ["cargo run -p xtask -- gen && cargo build -p a", `${everyCrate} x`],
    ["cargo build --config net.offline=true -p a", `${everyCrate} x`],
    ["cargo leptos build", `${everyCrate} x`],
    ["sh -c 'cargo build -p a'", `${everyCrate} x`],
    ["cargo build -p a && cp -r deploy /out", "a common"],
    ["cargo build -p a && cp -r crates/unused/src /out", `${everyCrate} x`],
  ])("%j", (command, what) => {
    expect(found(build(command))).toBe(what);
  });

  test("what the image keeps of the sources counts, but for other crates", () => {
    expect(found("FROM rust\nCOPY . .\nRUN cargo build -p a\n")).toBe("a common");
    expect(found("FROM rust\nCOPY . .\nRUN cargo build -p a\nENV CONFIG=/deploy/values\n")).toBe("a common x");
    expect(found(everything)).toBe(`${everyCrate} x`);
    expect(found('FROM rust\nCOPY . .\nCMD ["cargo", "run", "-p", "a"]\n')).toBe(`${everyCrate} x`);
  });

  test("what is copied by name counts, whatever is built", () => {
    const named =
      "FROM rust\nCOPY Cargo.toml Cargo.lock ./\nCOPY crates crates\nCOPY svc/a svc/a\nRUN cargo build -p a\n";
    expect(found(named)).toBe("a common unused");
  });

  test.each<[why: string, files: Record<string, string>]>([
    ["a build script calls programs", { "svc/a/build.rs": 'Command::new("sh").arg("gen.sh");' }],
    ["a build script goes up", { "svc/a/build.rs": "let root = dir.parent().unwrap();" }],
    ["a build script asks the environment", { "svc/a/build.rs": 'env::var("PROTO_ROOT")' }],
    ["a build script has modules", { "svc/a/build.rs": "mod generate;\nfn main() {}" }],
    [
      "a build script takes what may look for files",
      {
        "svc/a/Cargo.toml": `${shop["svc/a/Cargo.toml"]}[build-dependencies]\nproject-root = "1"\n`,
        "svc/a/build.rs": "",
      },
    ],
    ["a build script's dependency looks for files", { "crates/gen/src/lib.rs": "WalkDir::new(root)" }],
    [
      "a macro looks for files",
      {
        "crates/money/Cargo.toml": crate("money", "[lib]\nproc-macro = true\n"),
        "crates/money/src/lib.rs": "current_dir()",
      },
    ],
    [
      "a macro asks the environment",
      {
        "crates/money/Cargo.toml": crate("money", "[lib]\nproc-macro = true\n"),
        "crates/money/src/lib.rs": 'let x = "../y"; env::var("ROOT")',
      },
    ],
    ["a path is put together", { "svc/a/src/main.rs": 'include_str!(concat!("..", "/..", "/deploy/values"))' }],
    ["there is other code in the service", { "svc/a/gen.rb": "" }],
    ["a manifest is invalid", { "svc/a/Cargo.toml": "[package\n" }],
  ])("everything, where %s", (_why, files) => {
    expect(found(build("cargo build -p a"), files)).toBe(`${everyCrate} x`);
  });

  test.each<[where: string, source: string]>([
    ["a source", 'include_bytes!("../../../deploy/values")'],
    ["a source, from the crate's directory", 'include_dir!("$CARGO_MANIFEST_DIR/../../deploy")'],
    ["a source, in parts", 'concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/values")'],
    ["an attribute", '#[folder = "../../deploy"]'],
    ["a name only", "embed_deploy!()"],
  ])("what %s names", (_where, source) => {
    expect(found(build("cargo build -p a"), { "svc/a/src/assets.rs": source })).toBe("a common x");
  });

  test("what a manifest or the settings of Cargo name", () => {
    const a = shop["svc/a/Cargo.toml"] ?? "";
    expect(
      found(build("cargo build -p a"), {
        "svc/a/Cargo.toml": `${a}[[bin]]\nname = "a"\npath = "../../deploy/values"\n`,
      }),
    ).toBe("a common x");
    expect(
      found(build("cargo build -p a"), {
        "deploy/values": "",
        ".cargo/config.toml": '[source.vendored-sources]\ndirectory = "deploy"\n',
      }),
    ).toBe("a common x");
    const elsewhere = { "svc/a/src/main.rs": '#[path = "../../../deploy/x.rs"]\nmod x;', "deploy/x.rs": "mod y;" };
    expect(found(build("cargo build -p a"), elsewhere)).toBe("a common x");
  });
});

test("tests, benches and examples of crates count for the tests, unless a source reads of them", () => {
  const files = {
    ...shop,
    "crates/money/src/lib.rs": 'mod tests {}\nstatic A: &str = load!("examples/rates.json");\n',
    "crates/unix/src/lib.rs": 'include_str!("../tests/data/x");\n',
  };
  expectAffected(files, {
    "crates/common/tests/it.rs": "(a)",
    "crates/money/tests/it.rs": "(a)",
    "crates/money/examples/rates.json": "a",
    "crates/unix/tests/data/x": "a",
    "crates/unix/tests/it.rs": "(a)",
    "crates/unused/tests/it.rs": "",
    "svc/a/tests/it.rs": "a",
  });
  const named = {
    "svc/a/Dockerfile": "FROM rust\nCOPY crates crates\nCOPY svc/a svc/a\nRUN cd svc/a && cargo build\n",
  };
  expectAffected({ ...files, ...named }, { "crates/common/tests/it.rs": "a" });
});

test("a service of a workspace of its own, and the package at the root of a workspace", () => {
  const own = {
    "svc/a/Dockerfile":
      "FROM rust AS build\nCOPY . .\nRUN cd svc/a && cargo build\nFROM scratch\nCOPY --from=build /svc/a/target/a /\n",
    "svc/a/Cargo.toml": crate("a", '[workspace]\n[dependencies]\nlib = { path = "../../lib" }\n'),
    "lib/Cargo.toml": crate("lib"),
    "other/Cargo.toml": crate("other"),
  };
  expectAffected(own, { "lib/x": "a", "other/x": "", "svc/a/Cargo.lock": "a", "Cargo.lock": "", "notes/x": "" });
  const root = {
    "Cargo.toml": crate("root", '[workspace]\nmembers = ["more"]\n'),
    "src/main.rs": "",
    "more/Cargo.toml": crate("more"),
    "svc/a/Dockerfile":
      "FROM rust AS build\nCOPY . .\nRUN cargo build\nFROM scratch\nCOPY --from=build /target/release/root /\n",
  };
  expectAffected(root, { "src/x.rs": "a", "more/src/lib.rs": "", "terraform/x.tf": "", "build.rs": "a" });
});

test.each<[words: string, tools: string[]]>([
  ["--version", []],
  ["+nightly build -p a", ["cargo"]],
  ["build --release --target x86_64-unknown-linux-musl --features a,b -j4", ["cargo"]],
  ["zigbuild -p a --target-dir /t", ["cargo"]],
  ["auditable build -p a", ["cargo"]],
  ["fetch --locked", []],
  ["test --workspace", []],
  ["chef prepare --recipe-path recipe.json", []],
  ["install sqlx-cli --no-default-features --features postgres", []],
  ["install --git https://example.com/x x", []],
  ["install --path .", ["cargo"]],
  ["xtask build", ["unknown"]],
  ["build --something-new", ["unknown"]],
  ["build extra", ["unknown"]],
  ["", ["unknown"]],
])("cargo %s", (words, tools) => {
  expect(readCargo(words.split(" ")).tools).toEqual(tools);
});

test("modules named like what Cargo makes are read, paths may have spaces, and macros have settings", () => {
  const files = {
    ...shop,
    "svc/a/src/target/mod.rs": 'const X: &str = include_str!("../../../../texts/x.txt");\n',
    "svc/a/src/vendor/mod.rs": 'const Y: &str = include_str!("../../../../texts/y.txt");\n',
    "svc/a/src/pages.rs": 'static D: Dir = include_dir!("$CARGO_MANIFEST_DIR/../../static pages");\n',
    "svc/b/askama.toml": '[general]\ndirs = ["../../views"]\n',
    "views/parts/nav.html": "",
    // What is beside a file that a build script reads may be included there.
    "crates/common/build.rs": 'fn main() { compile("../../idl/a.idl"); }\n',
    "idl/a.idl": "",
  };
  expectAffected(files, {
    "texts/x.txt": "a",
    "texts/y.txt": "a",
    "texts/z.txt": "",
    "static pages/one.html": "a",
    "views/parts/nav.html": "b",
    "sqlx-data.json": "a b",
    "idl/deep/b.idl": "a",
  });
});

test("what settings of Cargo have in the place of crates, and what these depend on", () => {
  const taken = (settings: string): Record<string, string> => ({ ...shop, ".cargo/config.toml": settings });
  const table = { "crates/testing/src/lib.rs": "a b", "crates/fake/src/lib.rs": "a b", "crates/unused/src/lib.rs": "" };
  expectAffected(taken('paths = ["crates/testing"]\n'), table);
  expectAffected(taken('[patch.crates-io]\nrand = { path = "crates/testing" }\n'), table);
});

test("a path from the root of the workspace, by a variable that settings of Cargo fill in", () => {
  const included = (settings: string): Record<string, string> => ({
    ...shop,
    ".cargo/config.toml": settings,
    "svc/b/src/main.rs": 'const PAGE: &str = include_str!(concat!(env!("WORKSPACE"), "crates/unused/page.html"));\n',
  });
  const table = { "crates/fake/page.html": "(a)", "crates/testing/page.html": "(a)" };
  expectAffected(included('[env]\nWORKSPACE = { value = "", relative = true }\n'), {
    ...table,
    "crates/unused/page.html": "b",
  });
  expectAffected(included('[env]\nWORKSPACE = "x"\n'), { ...table, "crates/unused/page.html": "" });
});
