import { directoriesOf, handOver, lines, type Language } from "../model.ts";

export const rust: Language = {
  name: "Rust",
  libraries: "crates",
  shares: true,
  styles: [
    {
      name: "everything",
      weight: 6,
      recipe: ({ name }) => ({
        dockerfile: lines(
          "FROM rust:1.90 AS build",
          "WORKDIR /src",
          "COPY . .",
          `RUN --mount=type=cache,target=/src/target cargo build --release --locked -p ${name} && cp target/release/${name} /${name}`,
          ...handOver(name, `/${name}`),
        ),
        copies: [""],
        keeps: false,
      }),
    },
    {
      name: "by name",
      weight: 2,
      recipe: ({ name }, needed) => ({
        dockerfile: lines(
          "FROM rust:1.90 AS build",
          "WORKDIR /src",
          "COPY Cargo.toml Cargo.lock ./",
          "COPY shared shared",
          ...directoriesOf(needed).map((at) => `COPY ${at} ${at}`),
          `RUN cargo build --release -p ${name}`,
          ...handOver(name, `/src/target/release/${name}`),
        ),
        copies: ["Cargo.toml", "Cargo.lock", "shared", ...directoriesOf(needed)],
        keeps: false,
      }),
    },
    {
      name: "in its directory",
      weight: 2,
      recipe: ({ name, directory }) => ({
        dockerfile: lines(
          "FROM rust:1.90 AS build",
          "WORKDIR /src",
          "COPY . .",
          `WORKDIR /src/${directory}`,
          "RUN cargo build --release",
          ...handOver(name, `/src/target/release/${name}`),
        ),
        copies: [""],
        keeps: false,
      }),
    },
  ],
  unitFiles: ({ unit, libraries, version }) => ({
    "Cargo.toml": lines(
      "[package]",
      `name = "${unit.name}"`,
      `version = "0.1.${version("Cargo.toml")}"`,
      "[dependencies]",
      ...libraries.map(({ name }, index) =>
        index % 2 === 0 ? `${name}.workspace = true` : `${name} = { path = "../../crates/${name}" }`,
      ),
    ),
    [unit.kind === "service" ? "src/main.rs" : "src/lib.rs"]: lines(
      ...unit.sources.map((source) => `mod ${source};`),
      ...unit.shares.map((file) => `const ${file.toUpperCase()}: &str = include_str!("../../../shared/${file}.json");`),
      `const VERSION: u32 = ${version(unit.kind === "service" ? "src/main.rs" : "src/lib.rs")};`,
      ...(unit.kind === "service" ? ["fn main() {}"] : []),
    ),
    ...Object.fromEntries(
      unit.sources.map((source) => [`src/${source}.rs`, lines(`pub const V: u32 = ${version(`src/${source}.rs`)};`)]),
    ),
    "tests/it.rs": lines("#[test]", `fn it() { assert!(${version("tests/it.rs")} >= 0); }`),
  }),
  rootFiles: (units, version) => ({
    "Cargo.toml": lines(
      "[workspace]",
      'members = ["crates/*", "svc/*"]',
      'resolver = "2"',
      "[workspace.dependencies]",
      ...units
        .filter(({ kind }) => kind === "library")
        .map(({ name, directory }) => `${name} = { path = "${directory}" }`),
      `# ${version("Cargo.toml")}`,
    ),
    "Cargo.lock": lines("version = 4", `# ${version("Cargo.lock")}`),
  }),
  compiles: (path) => path === "Cargo.toml" || path.startsWith("src/"),
  isCommon: (path) => path === "Cargo.toml" || path === "Cargo.lock",
};
