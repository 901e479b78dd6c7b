import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { recordPath, recordWith } from "../git/release-record.ts";
import { BareRepository } from "../test/bare-repository.ts";
import { median, type Figure } from "./figure.ts";
import { makeLargeRepository } from "./large-repository.ts";

const rounds = 7;
const name = "delivery changes, 500 services, 10,000 commits";

/**
 * How long it takes to find the services that changed; as a process, like CI starts it. The peer is what does the same
 * without this program where all services are in Go: `git diff` for the files and `go list -deps` for what imports them.
 */
export function benchChanges(report: (line: string) => void): Figure[] {
  const directory = mkdtempSync(join(tmpdir(), "delivery-bench-changes-"));
  using deploy = new BareRepository();
  try {
    const { services, commits } = makeLargeRepository(directory);
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
      run(directory, process.execPath, resolve("cli/main.ts"), "changes", "--json", ...args);
    const peer = (from: string) => {
      run(directory, "git", "diff", "--name-only", from, "HEAD");
      run(join(directory, "shop"), "go", "list", "-deps", "-f", "{{.ImportPath}} {{.Deps}}", "./svc/...");
    };
    const seconds = medians({
      last: () => changes("--from", last),
      tenth: () => changes("--from", tenth),
      oldest: () => changes("--from", oldest),
      released: () => changes("--env", "dev", "--repository", deploy.url),
      peer: () => peer(tenth),
      diff: () => run(directory, "git", "diff", "--name-only", tenth, "HEAD"),
    });
    report(
      `changes since 1, 10 and 9,999 commits ago: ${[seconds.last, seconds.tenth, seconds.oldest].map((value) => `${value.toFixed(2)} s`).join(", ")}; \`git diff\` and \`go list\`: ${seconds.peer.toFixed(2)} s, \`git diff\` alone: ${seconds.diff.toFixed(2)} s (medians of ${rounds})`,
    );
    return [
      { name: `${name}, since the first`, value: seconds.oldest, unit: "s", limit: 1 },
      { name: `${name}, each since its own release`, value: seconds.released, unit: "s", limit: 1 },
      {
        name: "changes since 10 commits ago / git diff and go list",
        value: seconds.tenth / seconds.peer,
        unit: "×",
        // It loads Node.js and reads Dockerfiles, ignore files and service.yaml, too.
        limit: 2,
      },
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Seconds, in turns, so that what else the machine does meets all of them; the first turn fills caches, and does not count. */
function medians<Name extends string>(calls: Readonly<Record<Name, () => unknown>>): Record<Name, number> {
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
