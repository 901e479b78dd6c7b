import { expect, test } from "vitest";
import { guessCiImage, guessLanguage } from "../../../../cli/init/languages.ts";
import { repositoryOf } from "../../../../cli/init/repository.ts";
import { SampleMonorepo } from "../../../support/sample-monorepo.ts";

test.each<
  [what: string, files: Record<string, string>, dockerfile: string, language: string, test: string | undefined]
>([
  ["Go by its module", { "go.mod": "" }, "FROM golang\n", "Go", undefined],
  ["Node by its package", { "svc/a/package.json": "{}" }, "FROM x\n", "Node", undefined],
  [
    "Go with a front end beside it",
    { "svc/a/package.json": "{}", "svc/a/go.mod": "" },
    "FROM node\nFROM golang\n",
    "Go",
    undefined,
  ],
  [
    "Java by Maven, a module of the repository",
    { "pom.xml": "", "svc/a/pom.xml": "", "svc/a/src/test/T.java": "" },
    "FROM eclipse-temurin:21\n",
    "Java",
    "mvn -B -q -pl svc/a -am test",
  ],
  [
    "Java by Maven, on its own, with a wrapper",
    { "svc/a/pom.xml": "", "svc/a/mvnw": "", "svc/a/src/test/T.java": "" },
    "FROM x\n",
    "Java",
    "cd svc/a && ./mvnw -B -q test",
  ],
  [
    "Java by Gradle, a project of the repository",
    { gradlew: "", "svc/a/build.gradle.kts": "", "svc/a/src/test/T.kt": "" },
    "FROM x\n",
    "Java",
    "./gradlew -q :svc:a:test",
  ],
  ["Java without tests", { "svc/a/pom.xml": "" }, "FROM x\n", "Java", undefined],
  [
    "Python",
    { "svc/a/requirements.txt": "", "svc/a/test_app.py": "" },
    "FROM python\n",
    "Python",
    "cd svc/a && python -m pip install -q pytest -r requirements.txt && python -m pytest -q",
  ],
  ["Rust", { "svc/a/Cargo.toml": "", "svc/a/src/main.rs": "" }, "FROM x\n", "Rust", "cd svc/a && cargo test --locked"],
  ["what its image is for, where no project is near", { "package.json": "{}" }, "FROM php:8\n", "PHP", undefined],
  ["nothing that is known", { "package.json": "{}" }, "FROM nginx\n", "no known language", undefined],
])("a service is in %s", (_what, files, dockerfile, language, command) => {
  using sample = new SampleMonorepo({ ...files, "svc/a/Dockerfile": dockerfile });
  const repository = repositoryOf(sample.root, [...Object.keys(files), "svc/a/Dockerfile"]);
  expect(guessLanguage({ dockerfile: "svc/a/Dockerfile", context: "svc/a" }, repository)).toMatchObject({
    language,
    test: command,
  });
});

test.each<[what: string, files: Record<string, string>, prepare: string]>([
  ["a module of Maven", { "pom.xml": "", "svc/a/pom.xml": "" }, "mvn -B -q -pl svc/a -am package -DskipTests"],
  ["a project of Maven", { "svc/a/pom.xml": "" }, "cd svc/a && mvn -B -q package -DskipTests"],
  ["a module of Gradle", { gradlew: "", "svc/a/build.gradle": "" }, "./gradlew -q :svc:a:assemble"],
  [
    "a package of npm",
    { "svc/a/package.json": "", "svc/a/package-lock.json": "" },
    "cd svc/a && npm ci && npm run build",
  ],
  [
    "a package of a pnpm workspace",
    { "package.json": "", "pnpm-lock.yaml": "", "svc/a/package.json": "" },
    "pnpm install --frozen-lockfile && cd svc/a && pnpm run build",
  ],
])("what the Dockerfile of %s copies and no commit has is made by a command", (_what, files, prepare) => {
  using sample = new SampleMonorepo({ ...files, "svc/a/Dockerfile": "FROM x\n" });
  const repository = repositoryOf(sample.root, [...Object.keys(files), "svc/a/Dockerfile"]);
  expect(guessLanguage({ dockerfile: "svc/a/Dockerfile", context: "svc/a" }, repository)).toMatchObject({ prepare });
});

test("what has no image of CI is tested in the one that it is built in", () => {
  const files = {
    "svc/a/A.csproj": "",
    "svc/a/A.Tests/T.cs": "",
    "svc/a/Dockerfile": "FROM mcr.microsoft.com/dotnet/sdk:9.0\n",
  };
  using sample = new SampleMonorepo(files);
  const repository = repositoryOf(sample.root, Object.keys(files));
  expect(guessLanguage({ dockerfile: "svc/a/Dockerfile", context: "svc/a" }, repository)).toMatchObject({
    test: "cd svc/a && dotnet test",
    image: "mcr.microsoft.com/dotnet/sdk:9.0",
  });
});

test("without a project nothing can be made of it", () => {
  using sample = new SampleMonorepo({ "svc/a/Dockerfile": "FROM eclipse-temurin:21\n" });
  const repository = repositoryOf(sample.root, ["svc/a/Dockerfile"]);
  expect(guessLanguage({ dockerfile: "svc/a/Dockerfile", context: "svc/a" }, repository)).toMatchObject({
    language: "Java",
    prepare: undefined,
    test: undefined,
  });
});

test.each([
  [["Go", "Go", "Node"], { "go.mod": "go 1.27.1\n", "x/go.mod": "go 1.9\n" }, "cimg/go:1.27-node"],
  [["Go"], { "go.mod": "go 1.19\n" }, "cimg/go:1.26-node"],
  [["Java", "Node", "Java"], { "pom.xml": "<java.version>17</java.version>" }, "cimg/openjdk:17.0-node"],
  [["Node", "Go"], {}, "cimg/go:1.26-node"],
  [[".NET", ".NET", "Rust"], {}, "cimg/rust:1.90-node"],
  [["no known language"], {}, "cimg/node:24.11"],
  [[], {}, "cimg/node:24.11"],
] as const)("jobs for %j run in the image of most services", (found, files, image) => {
  using sample = new SampleMonorepo(files);
  expect(guessCiImage(found, repositoryOf(sample.root, Object.keys(files))).image).toBe(image);
});

test("commands quote directories that a shell would split", () => {
  using sample = new SampleMonorepo({ "a svc/pom.xml": "", "a svc/Dockerfile": "FROM x\n" });
  const repository = repositoryOf(sample.root, ["a svc/pom.xml", "a svc/Dockerfile"]);
  expect(guessLanguage({ dockerfile: "a svc/Dockerfile", context: "a svc" }, repository).prepare).toBe(
    "cd 'a svc' && mvn -B -q package -DskipTests",
  );
});
