import { benchAffected } from "../../../bench/affected.ts";
import { benchChanges } from "../../../bench/changes.ts";
import { benchTests } from "../../../bench/tests.ts";
import { smokeBenchmarks } from "../../support/benchmark-smoke.ts";

const report = (): void => undefined;

smokeBenchmarks("process", {
  tests: () => benchTests(report, ["test/unit/core/names.test.ts", "test/golden"]),
  changes: () => benchChanges(report, { rounds: 1, services: 4, libraries: 3, commits: 100 }),
  affected: () =>
    benchAffected(report, { seed: 1, repositories: 1, commits: 2, libraries: 3, services: 3, peer: false }),
});
