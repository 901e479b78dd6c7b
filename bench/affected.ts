import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { affectedServices } from "../cli/affected/affected-services.ts";
import { temporaryDirectory } from "../core/atomic-file.ts";
import { SampleMonorepo } from "../test/support/sample-monorepo.ts";
import { dotnet } from "./affected/languages/dotnet.ts";
import { go } from "./affected/languages/go.ts";
import { java } from "./affected/languages/java.ts";
import { node } from "./affected/languages/node.ts";
import { php } from "./affected/languages/php.ts";
import { python } from "./affected/languages/python.ts";
import { rust } from "./affected/languages/rust.ts";
import type { Language } from "./affected/model.ts";
import { changedImages } from "./affected/oracle.ts";
import { installPeer, type Peer } from "./affected/peer.ts";
import { seededRandom } from "./affected/random.ts";
import { generateRepository, type RepositoryScale, type Snapshot } from "./affected/repository.ts";
import { measureCpu } from "./cpu-time.ts";
import type { Figure } from "./figure.ts";

interface AffectedScale extends RepositoryScale {
  readonly seed: number;
  /** Of each language. */
  readonly repositories: number;
  /** Of each repository, after its first. */
  readonly commits: number;
  /** Whether a tool of others is installed and measured, too. */
  readonly peer: boolean;
}

const fullScale: AffectedScale = { seed: 1, repositories: 10, commits: 30, libraries: 12, services: 8, peer: true };
const languages: readonly Language[] = [go, node, python, java, rust, dotnet, php];

/** What was found for all pairs of one language. */
interface Tally {
  pairs: number;
  listed: number;
  falsePositives: number;
  falseNegatives: number;
  /** Of CPU in this process, Git's among them. */
  seconds: number;
}

/**
 * Whether what `delivery changes` lists is right: on generated repositories with real histories, against what an oracle knows
 * of each image. And what that costs, against `git diff --name-only` alone, and against Turborepo on a Node workspace.
 */
export async function benchAffected(report: (line: string) => void, scale = fullScale): Promise<Figure[]> {
  using temporary = temporaryDirectory("delivery-bench-affected-");
  const peer = scale.peer ? installPeer(temporary.path, report) : undefined;
  const calls: Call[] = [];
  const tallies: Tally[] = [];
  for (const [number, language] of languages.entries()) {
    const tally: Tally = { pairs: 0, listed: 0, falsePositives: 0, falseNegatives: 0, seconds: 0 };
    tallies.push(tally);
    for (let index = 0; index < scale.repositories; index++) {
      const seed = scale.seed * 1000 + number * 100 + index;
      const random = seededRandom(seed);
      const snapshots = generateRepository(language, random, scale, scale.commits);
      using repository = new GeneratedRepository(snapshots);
      await checkRepository(language, repository, tally, seed, report);
      calls.push(await measureCalls(repository, language === node ? peer : undefined));
    }
    report(
      `${language.name}: ${tally.pairs} pairs, ${tally.listed} listed, ${tally.falsePositives} for nothing, ${tally.falseNegatives} missed`,
    );
  }
  return figuresOf(tallies, calls, peer, report);
}

function figuresOf(
  tallies: readonly Tally[],
  calls: readonly Call[],
  peer: Peer | undefined,
  report: (line: string) => void,
): Figure[] {
  const sum = (of: (tally: Tally) => number): number => tallies.reduce((total, tally) => total + of(tally), 0);
  const mean = (of: (call: Call) => number, some: readonly Call[]): number =>
    some.reduce((total, call) => total + of(call), 0) / Math.max(some.length, 1);
  const compared = calls.filter((call) => call.peer !== undefined);
  const diff = mean((call) => call.diff, calls);
  const milliseconds = (seconds: number): string => `${(1000 * seconds).toFixed(0)} ms`;
  report(
    `CPU per commit: delivery changes ${milliseconds(mean((call) => call.delivery, calls))}, of these ${milliseconds(sum(({ seconds }) => seconds) / sum(({ pairs }) => pairs))} once it is loaded; git diff --name-only ${milliseconds(diff)}${peer === undefined ? "" : `; on a Node workspace, ${peer.name} ${milliseconds(mean((call) => call.peer ?? 0, compared))}`}`,
  );
  return [
    {
      name: `images missed, of ${sum(({ pairs }) => pairs).toLocaleString("en")} commits in ${tallies.length} languages`,
      value: sum(({ falseNegatives }) => falseNegatives),
      unit: "images",
      limit: 0,
    },
    {
      name: "images listed for nothing / listed",
      value:
        (100 * sum(({ falsePositives }) => falsePositives)) /
        Math.max(
          sum(({ listed }) => listed),
          1,
        ),
      unit: "%",
      limit: 10,
    },
    // Node.js starts, and Git is asked for more than the difference.
    {
      name: "delivery changes / git diff --name-only, CPU",
      value: mean((call) => call.delivery, calls) / Math.max(diff, 0.001),
      unit: "×",
      limit: 150,
    },
    ...(peer === undefined
      ? []
      : [
          {
            name: `delivery changes / ${peer.name}, CPU on a Node workspace`,
            value:
              mean((call) => call.delivery, compared) /
              Math.max(
                mean((call) => call.peer ?? 0, compared),
                0.001,
              ),
            unit: "×",
            // Turborepo is compiled, and reads neither Dockerfiles nor sources.
            limit: 6,
          },
        ]),
  ];
}

/** A generated history in Git, and one of its commits in the working tree. */
class GeneratedRepository implements Disposable {
  readonly sample = new SampleMonorepo({});
  readonly commits: readonly string[];
  readonly #current = new Map<string, string>();
  readonly snapshots: readonly Snapshot[];

  constructor(snapshots: readonly Snapshot[]) {
    this.snapshots = snapshots;
    this.git("init", "--quiet", "--template=", "--initial-branch=main");
    execFileSync("git", ["fast-import", "--quiet"], { cwd: this.sample.root, input: snapshots.map(commitOf).join("") });
    this.commits = this.git("rev-list", "--reverse", "main").trim().split("\n");
  }

  git(...args: string[]): string {
    return execFileSync("git", args, { cwd: this.sample.root, encoding: "utf8" });
  }

  /** Makes the working tree that of a commit, by what differs. */
  checkOut(index: number): void {
    const files = this.snapshots[index]?.files ?? new Map<string, string>();
    for (const path of this.#current.keys())
      if (!files.has(path)) {
        rmSync(join(this.sample.root, path));
        this.#current.delete(path);
      }
    for (const [path, content] of files) {
      if (this.#current.get(path) === content) continue;
      mkdirSync(dirname(join(this.sample.root, path)), { recursive: true });
      writeFileSync(join(this.sample.root, path), content);
      this.#current.set(path, content);
    }
  }

  [Symbol.dispose](): void {
    this.sample[Symbol.dispose]();
  }
}

function commitOf({ files }: Snapshot, index: number): string {
  const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}\n`;
  const changes = [...files].map(([path, content]) => `M 100644 inline ${path}\n${data(content)}`);
  return `commit refs/heads/main\ncommitter Someone <someone@localhost> ${1_700_000_000 + index * 60} +0000\n${data(`commit ${index}`)}deleteall\n${changes.join("")}`;
}

async function checkRepository(
  language: Language,
  repository: GeneratedRepository,
  tally: Tally,
  seed: number,
  report: (line: string) => void,
): Promise<void> {
  for (const [index, to] of repository.commits.entries()) {
    const from = repository.commits[index - 1];
    const [old, now] = [repository.snapshots[index - 1], repository.snapshots[index]];
    repository.checkOut(index);
    if (from === undefined || old === undefined || now === undefined) continue;
    const monorepo = repository.sample.monorepo();
    const { seconds, result } = await measureCpu(() => affectedServices({ monorepo, from, to }));
    const listed = new Set(result.services.map(({ name }) => name));
    const right = changedImages(language, old, now);
    const missed = [...right].filter((name) => !listed.has(name));
    if (missed.length > 0) {
      const files = repository.git("diff", "--name-only", from, to).trim().split("\n");
      report(`${language.name}, seed ${seed}: ${missed.join(", ")} missed at commit ${index} of ${files.join(" ")}`);
    }
    tally.pairs++;
    tally.listed += listed.size;
    tally.falsePositives += [...listed].filter((name) => !right.has(name)).length;
    tally.falseNegatives += missed.length;
    tally.seconds += seconds;
  }
}

/** Seconds of CPU of one call each, for the last commit. */
interface Call {
  readonly delivery: number;
  readonly diff: number;
  readonly peer: number | undefined;
}

async function measureCalls(repository: GeneratedRepository, peer: Peer | undefined): Promise<Call> {
  const { root } = repository.sample;
  repository.git("reset", "--quiet", "main");
  using program = temporaryDirectory("delivery-bench-program-");
  mkdirSync(join(program.path, "stacks"));
  writeFileSync(
    join(program.path, "stacks/Pulumi.dev.yaml"),
    `config:\n  delivery:schemaVersion: 2\n  delivery:app: { name: shop, directory: ${root} }\n` +
      "  delivery:images: { organization: acme, username: ci, source: registry, context: app }\n",
  );
  const changes = ["changes", "--json", "--from", "HEAD^1"];
  const run = (): string =>
    execFileSync(process.execPath, [resolve("cli/delivery.js"), ...changes], { cwd: program.path, encoding: "utf8" });
  const delivery = await measureCpu(run);
  // Time is counted in hundredths of a second, which is longer than one call takes.
  const times = 10;
  const diff = await measureCpu(() => {
    for (let count = 0; count < times; count++) repository.git("diff", "--name-only", "HEAD^1", "HEAD");
  });
  const other = peer === undefined ? undefined : await measureCpu(() => peer.affected(root));
  return { delivery: delivery.seconds, diff: diff.seconds / times, peer: other?.seconds };
}
