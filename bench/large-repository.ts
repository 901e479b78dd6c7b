import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";

const services = 500;
const libraries = 100;
const commits = 10_000;

/** A repository of 500 services in Go, each of which imports some of 100 shared packages, with 10,000 commits. */
export interface LargeRepository {
  readonly services: readonly string[];
  /** The oldest first. */
  readonly commits: readonly string[];
}

/** Makes it in an empty directory, with the stack file of a program at its root. */
export function makeLargeRepository(directory: string): LargeRepository {
  mkdirSync(directory, { recursive: true });
  const git = (args: readonly string[], input = ""): string =>
    execFileSync("git", args, {
      cwd: directory,
      input,
      maxBuffer: 1 << 28,
      stdio: ["pipe", "pipe", "inherit"],
    }).toString();
  git(["init", "--quiet", "--template=", "--initial-branch=main"]);
  const history = Array.from({ length: commits }, (_, index) =>
    commit(index, index === 0 ? wholeTree() : oneChange(index)),
  );
  git(["fast-import", "--quiet"], history.join(""));
  git(["reset", "--quiet", "--hard", "main"]);
  const names = Array.from({ length: services }, (_, index) => `s${index}`);
  return { services: names, commits: git(["rev-list", "--reverse", "main"]).trim().split("\n") };
}

function commit(index: number, files: Readonly<Record<string, string>>): string {
  const changes = Object.entries(files).map(([path, content]) => `M 100644 inline ${path}\n${data(content)}`);
  return `commit refs/heads/main\ncommitter Someone <someone@localhost> ${1_700_000_000 + index * 60} +0000\n${data(`commit ${index}`)}${changes.join("")}`;
}

function wholeTree(): Record<string, string> {
  const files: Record<string, string> = {
    "stacks/Pulumi.dev.yaml":
      "config:\n  delivery:schemaVersion: 1\n  delivery:app: { name: large, directory: shop }\n" +
      "  delivery:images: { organization: acme, username: ci, source: registry, context: app }\n" +
      "  delivery:gitops: { repository: https://git.example/acme/deploy.git }\n",
    "shop/go.mod": "module example.com/shop\n\ngo 1.24\n",
  };
  for (let index = 0; index < libraries; index++) files[`shop/pkg/p${index}/p.go`] = library(index, 0);
  for (let index = 0; index < services; index++) {
    const own = `shop/svc/s${index}`;
    files[`${own}/Dockerfile`] = `FROM golang AS build\nCOPY . .\nRUN go build -o /out ./svc/s${index}\nEXPOSE 7070\n`;
    files[`${own}/Dockerfile.dockerignore`] = `*\n!go.mod\n!pkg\n!svc/s${index}\n**/*_test.go\n`;
    files[`${own}/service.yaml`] = "replicas: 2\nenv: { LOG_LEVEL: info }\n";
    files[`${own}/main.go`] = imports(
      "main",
      [index, index * 7 + 1, index * 13 + 2].map((at) => at % libraries),
    );
    files[`${own}/handlers.go`] = handlers(0);
    files[`${own}/handlers_test.go`] = 'package main\n\nimport (\n\t_ "testing"\n)\n';
    files[`${own}/README.md`] = "# A service\n";
  }
  return files;
}

/** Nine of ten commits are to a service, the tenth is to shared code. */
function oneChange(index: number): Record<string, string> {
  const at = (index * 37) % services;
  if (index % 10 !== 0) return { [`shop/svc/s${at}/handlers.go`]: handlers(index) };
  return { [`shop/pkg/p${at % libraries}/p.go`]: library(at % libraries, index) };
}

/** Each imports two that come after it. */
function library(index: number, version: number): string {
  const others = [index * 2 + 1, index * 2 + 2].filter((other) => other < libraries);
  return `${imports(`p${index}`, others)}\nconst Version = ${version}\n`;
}

function imports(name: string, others: readonly number[]): string {
  const paths = ['\t_ "fmt"', ...others.map((other) => `\t_ "example.com/shop/pkg/p${other}"`)];
  return `package ${name}\n\nimport (\n${paths.join("\n")}\n)\n${name === "main" ? "\nfunc main() {}\n" : ""}`;
}

function handlers(version: number): string {
  return `package main\n\nconst version = ${version}\n${"// A line of code.\n".repeat(100)}`;
}

function data(content: string): string {
  return `data ${Buffer.byteLength(content)}\n${content}\n`;
}
