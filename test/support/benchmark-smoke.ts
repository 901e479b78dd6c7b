import { expect, test } from "vitest";
import type { BenchmarkName } from "../../bench/benchmarks.ts";
import type { Figure } from "../../bench/figure.ts";

/**
 * The tests that have what a small run of each benchmark needs. One that is not named here is an error of types. Those that people
 * alone run need an Argo CD of their own, take minutes for the smallest round, and are made of what end-to-end tests do.
 */
const smokeProjects = {
  tests: "process",
  changes: "process",
  affected: "process",
  preview: "integration",
  scale: "integration",
  "first-update": "integration",
  build: "integration",
  admission: "integration",
  sandbox: "by hand",
  stack: "by hand",
  gitops: "by hand",
  loop: "by hand",
  signing: "by hand",
  settle: "by hand",
  "take-back": "by hand",
} as const satisfies Readonly<Record<BenchmarkName, "process" | "integration" | "by hand">>;

type SmokeProject = (typeof smokeProjects)[BenchmarkName];

/** The benchmarks that have their smoke run in a project. */
type SmokedIn<Project extends SmokeProject> = {
  [Name in BenchmarkName]: (typeof smokeProjects)[Name] extends Project ? Name : never;
}[BenchmarkName];

/** One small round of each benchmark of a project: it ends, and has figures. Whether they are good is not judged. */
export function smokeBenchmarks<Project extends SmokeProject>(
  _project: Project,
  runs: Readonly<Record<SmokedIn<Project>, () => Figure[] | Promise<Figure[]>>>,
): void {
  const entries: [string, () => Figure[] | Promise<Figure[]>][] = Object.entries(runs);
  test.each(entries)("benchmark %s still runs", async (_name, run) => {
    const figures = await run();
    expect(figures.length).toBeGreaterThan(0);
    expect(figures.filter(({ value, limit }) => !Number.isFinite(value) || !Number.isFinite(limit))).toEqual([]);
  });
}
