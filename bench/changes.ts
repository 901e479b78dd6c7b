import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { temporaryDirectory } from "../core/atomic-file.ts";
import { recordPath, recordWith } from "../git/release-record.ts";
import { BareRepository } from "../test/support/bare-repository.ts";
import { median, type Figure } from "./figure.ts";

/** How large the repository is, and how often each call is measured. */
interface ChangesScale {
  readonly rounds: number;
  readonly services: number;
  readonly libraries: number;
  /** More than twenty for each service. */
  readonly commits: number;
}

const fullScale: ChangesScale = { rounds: 7, services: 500, libraries: 100, commits: 10_000 };

/**
 * How long it takes to find the services that changed; as a process, like CI starts it. The peer is what does the same
 * without this program where all services are in Go: `git diff` for the files and `go list -deps` for what imports them.
 */
export function benchChanges(report: (line: string) => void, scale = fullScale): Figure[] {
  const { rounds } = scale;
  const figureName = `delivery changes, ${scale.services} services, ${scale.commits.toLocaleString("en")} commits`;
  using temporary = temporaryDirectory("delivery-bench-changes-");
  const directory = temporary.path;
  using deploy = new BareRepository();
  const { services, commits } = makeLargeRepository(directory, scale);
  const [last = "", tenth = "", oldest = ""] = [commits.at(-2), commits.at(-11), commits[0]];
  // Every service was released from another commit.
  const digest = `sha256:${"1".repeat(64)}`;
  const records = services.map((service, index): [string, string] => {
    const sourceCommit = commits.at(-2 - index * 19) ?? "";
    return [
      recordPath("dev", service),
      recordWith({ repository: `docker.io/acme/large-${service}`, digest, sourceCommit }),
    ];
  });
  deploy.commit(Object.fromEntries(records));
  const changes = (...args: string[]) =>
    run(directory, process.execPath, resolve("cli/delivery.js"), "changes", "--json", ...args);
  const peer = (from: string) => {
    run(directory, "git", "diff", "--name-only", from, "HEAD");
    run(join(directory, "shop"), "go", "list", "-deps", "-f", "{{.ImportPath}} {{.Deps}}", "./svc/...");
  };
  const seconds = medians(rounds, {
    last: () => changes("--from", last),
    tenth: () => changes("--from", tenth),
    oldest: () => changes("--from", oldest),
    released: () => changes("--env", "dev", "--repository", deploy.url),
    peer: () => peer(tenth),
    diff: () => run(directory, "git", "diff", "--name-only", tenth, "HEAD"),
  });
  report(
    `changes since 1, 10 and all commits ago: ${[seconds.last, seconds.tenth, seconds.oldest].map((value) => `${value.toFixed(2)} s`).join(", ")}; \`git diff\` and \`go list\`: ${seconds.peer.toFixed(2)} s, \`git diff\` alone: ${seconds.diff.toFixed(2)} s (medians of ${rounds})`,
  );
  return [
    { name: `${figureName}, since the first`, value: seconds.oldest, unit: "s", limit: 1 },
    { name: `${figureName}, each since its own release`, value: seconds.released, unit: "s", limit: 1 },
    {
      name: "changes since 10 commits ago / git diff and go list",
      value: seconds.tenth / seconds.peer,
      unit: "×",
      // It loads Node.js and reads Dockerfiles, ignore files and service.yaml, too.
      limit: 2,
    },
  ];
}

/** Seconds of each call, measured in turns, so that other load on the machine is shared by all; the first turn only fills caches. */
function medians<Name extends string>(
  rounds: number,
  calls: Readonly<Record<Name, () => unknown>>,
): Record<Name, number> {
  const names = Object.keys(calls) as Name[];
  const turns = Array.from({ length: rounds + 1 }, () =>
    names.map((call) => {
      const start = performance.now();
      calls[call]();
      return (performance.now() - start) / 1000;
    }),
  );
  const counted = turns.slice(1);
  const entries = names.map((call, index) => [call, median(counted.map((turn) => turn[index] ?? Number.NaN))]);
  return Object.fromEntries(entries) as Record<Name, number>;
}

function run(cwd: string, command: string, ...args: string[]): string {
  return execFileSync(command, args, { cwd, encoding: "utf8", maxBuffer: 1 << 28 });
}

/** A repository of services in Go, each of which imports some of the shared packages. */
interface LargeRepository {
  readonly services: readonly string[];
  /** The oldest first. */
  readonly commits: readonly string[];
}

/** Makes it in an empty directory, with the stack file of a program at its root. */
function makeLargeRepository(directory: string, scale: ChangesScale): LargeRepository {
  mkdirSync(directory, { recursive: true });
  const git = (args: readonly string[], input = ""): string =>
    execFileSync("git", args, {
      cwd: directory,
      input,
      maxBuffer: 1 << 28,
      stdio: ["pipe", "pipe", "inherit"],
    }).toString();
  git(["init", "--quiet", "--template=", "--initial-branch=main"]);
  const history = Array.from({ length: scale.commits }, (_, index) =>
    commit(index, index === 0 ? wholeTree(scale) : oneChange(index, scale)),
  );
  git(["fast-import", "--quiet"], history.join(""));
  git(["reset", "--quiet", "--hard", "main"]);
  const names = Array.from({ length: scale.services }, (_, index) => `s${index}`);
  return { services: names, commits: git(["rev-list", "--reverse", "main"]).trim().split("\n") };
}

function commit(index: number, files: Readonly<Record<string, string>>): string {
  const changes = Object.entries(files).map(([path, content]) => `M 100644 inline ${path}\n${data(content)}`);
  return `commit refs/heads/main\ncommitter Someone <someone@localhost> ${1_700_000_000 + index * 60} +0000\n${data(`commit ${index}`)}${changes.join("")}`;
}

function wholeTree({ services, libraries }: ChangesScale): Record<string, string> {
  const files: Record<string, string> = {
    "stacks/Pulumi.dev.yaml":
      "config:\n  delivery:schemaVersion: 2\n  delivery:app: { name: large, directory: shop }\n" +
      "  delivery:images: { organization: acme, username: ci, source: registry, context: app }\n" +
      "  delivery:gitops: { repository: https://git.example/acme/deploy.git }\n",
    "shop/go.mod": "module example.com/shop\n\ngo 1.24\n",
  };
  for (let index = 0; index < libraries; index++) files[`shop/pkg/p${index}/p.go`] = library(index, 0, libraries);
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
function oneChange(index: number, { services, libraries }: ChangesScale): Record<string, string> {
  const at = (index * 37) % services;
  if (index % 10 !== 0) return { [`shop/svc/s${at}/handlers.go`]: handlers(index) };
  return { [`shop/pkg/p${at % libraries}/p.go`]: library(at % libraries, index, libraries) };
}

/** Each imports two that come after it. */
function library(index: number, version: number, libraries: number): string {
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
