import type { Report } from "../sandbox/commands/progress.ts";
import type { SandboxEngine } from "../sandbox/machine/ci-engine.ts";
import { benchAdmission } from "./admission.ts";
import { benchAffected } from "./affected.ts";
import { benchBuild } from "./build.ts";
import { benchChanges } from "./changes.ts";
import { benchFirstUpdate } from "./first-update.ts";
import type { Figure } from "./figure.ts";
import { benchGitOps } from "./gitops.ts";
import { benchLoop } from "./loop.ts";
import { benchEngines } from "./loop/engines.ts";
import { benchPreview } from "./preview.ts";
import { benchScale } from "./scale.ts";
import { benchSandbox } from "./sandbox.ts";
import { benchSettle } from "./settle.ts";
import { benchSigning } from "./signing.ts";
import { benchStack } from "./stack.ts";
import { benchTakeBack } from "./take-back.ts";
import { benchTests } from "./tests.ts";

interface BenchmarkOptions {
  readonly report: Report;
  /** Whether all tools are built from nothing, too. */
  readonly cold: boolean;
  /** Directory of another checkout, such as an earlier commit, to measure against. @default none */
  readonly peer?: string | undefined;
  /** How many random runs. @default as many as the benchmark has */
  readonly runs?: number | undefined;
  /** What decides the first of them. @default 1 */
  readonly seed?: number | undefined;
  /** How often each thing is measured. @default as often as the benchmark does */
  readonly rounds?: number | undefined;
  /** What is measured against the stand-in for CircleCI. @default no other engine */
  readonly ci?: SandboxEngine | undefined;
}

/** By the name that `npm run bench -- NAME` takes. test/support/benchmark-smoke.ts says where each has its smoke run. */
export const benchmarks = {
  preview: ({ report }) => benchPreview(report),
  scale: ({ report }) => benchScale(report),
  stack: ({ report }) => benchStack(report),
  "first-update": ({ report }) => benchFirstUpdate(report),
  tests: ({ report }) => benchTests(report),
  changes: ({ report }) => benchChanges(report),
  affected: ({ report }) => benchAffected(report),
  build: ({ report }) => benchBuild(report),
  sandbox: ({ report, cold, peer }) => benchSandbox({ report, cold, peer }),
  gitops: ({ report }) => benchGitOps(report),
  loop: ({ report, rounds, ci }) =>
    ci === "tekton" ? benchEngines(report, { rounds }) : benchLoop(report, { rounds }),
  admission: ({ report }) => benchAdmission(report),
  signing: ({ report }) => benchSigning(report),
  settle: ({ report, runs, seed }) => benchSettle(report, { runs, seed }),
  "take-back": ({ report, rounds }) => benchTakeBack(report, { rounds }),
} as const satisfies Readonly<Record<string, (options: BenchmarkOptions) => Figure[] | Promise<Figure[]>>>;

export type BenchmarkName = keyof typeof benchmarks;
