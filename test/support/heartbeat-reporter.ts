import { relative } from "node:path";
import type { Reporter, TestCase, TestModule, TestSpecification, TestSuite, Vitest } from "vitest/node";

/** Nothing is silent for longer. */
const quietMilliseconds = 10_000;

/**
 * Says what runs whenever vitest's own reporter, which prints a file at its end, has printed nothing for ten seconds: the tests
 * that run, how many files have ended, and how long those that are left took the last time. Why a test has failed it says at once.
 */
export class HeartbeatReporter implements Reporter {
  readonly #print: (line: string) => void;
  readonly #now: () => number;
  readonly #running = new Map<string, { name: string; since: number }>();
  readonly #left = new Map<string, number | undefined>();
  #files = 0;
  #printedAt: number;
  #timer: NodeJS.Timeout | undefined;
  #lastDuration: (specification: TestSpecification) => number | undefined = () => undefined;

  constructor(print: (line: string) => void = (line) => console.log(line), now: () => number = Date.now) {
    this.#print = print;
    this.#now = now;
    this.#printedAt = now();
  }

  onInit({ cache }: Vitest): void {
    this.#lastDuration = (specification) => cache.getTestSpecificationResult(specification)?.duration;
    // It alone keeps no process alive.
    this.#timer = setInterval(() => this.beat(), 1_000).unref();
  }

  /** @param lastDuration in milliseconds */
  onTestRunStart(specifications: readonly TestSpecification[], lastDuration = this.#lastDuration): void {
    this.#files = specifications.length;
    for (const specification of specifications) this.#left.set(keyOf(specification), lastDuration(specification));
  }

  onTestModuleStart(file: TestModule): void {
    this.#running.set(file.id, { name: relative(process.cwd(), file.moduleId), since: this.#now() });
  }

  onTestCaseReady(test: TestCase): void {
    const name = `${relative(process.cwd(), test.module.moduleId)}, ${test.name}`;
    this.#running.set(test.module.id, { name, since: this.#now() });
  }

  /** vitest's own reporter says why when all files have ended, which may be an hour later. */
  onTestCaseResult(test: TestCase): void {
    this.#explain(test, test.result().errors ?? []);
  }

  onTestSuiteResult(suite: TestSuite): void {
    this.#explain(suite, suite.errors());
  }

  #explain(test: TestCase | TestSuite, errors: readonly { message: string; diff?: string | undefined }[]): void {
    const file = relative(process.cwd(), test.module.moduleId);
    for (const { message, diff } of errors)
      this.#print(`✗ ${file}, ${test.fullName}: ${message}${diff === undefined ? "" : `\n${diff}`}`);
  }

  onTestModuleEnd(file: TestModule): void {
    this.#running.delete(file.id);
    this.#left.delete(keyOf(file));
    // The reporter of vitest has printed the file.
    this.#printedAt = this.#now();
  }

  onTestRunEnd(): void {
    clearInterval(this.#timer);
  }

  /** Prints a line if nothing was printed for long. */
  beat(): void {
    if (this.#now() - this.#printedAt < quietMilliseconds) return;
    this.#printedAt = this.#now();
    const seconds = (milliseconds: number): string => `${Math.round(milliseconds / 1000)} s`;
    const running = [...this.#running.values()].map(
      ({ name, since }) => `${name}, for ${seconds(this.#now() - since)}`,
    );
    const durations = [...this.#left.values()].filter((duration) => duration !== undefined);
    const estimate =
      durations.length === 0
        ? ""
        : `; what is left took ${seconds(durations.reduce((sum, duration) => sum + duration, 0))} the last time`;
    const ended = `${this.#files - this.#left.size} of ${this.#files} files`;
    this.#print(`… ${ended}${estimate}: ${running.length === 0 ? "setting up" : running.join("; ")}`);
  }
}

function keyOf({ project, moduleId }: Pick<TestSpecification, "project" | "moduleId">): string {
  return `${project.name} ${moduleId}`;
}
