import { spawnSync } from "node:child_process";
import type { Figure } from "./figure.ts";

/** How long the unit and golden tests take. @param files part of their paths. @default all of them */
export function benchTests(report: (line: string) => void, files: readonly string[] = []): Figure[] {
  const args = ["run", "--project", "unit", "--project", "golden", "--reporter=dot", ...files];
  const start = performance.now();
  const { status } = spawnSync("vitest", args, { stdio: "ignore" });
  const seconds = (performance.now() - start) / 1000;
  if (status !== 0) throw new Error("the unit or golden tests fail; see `npm run test:unit`");
  report(`unit and golden tests: ${seconds.toFixed(1)} s`);
  return [{ name: "unit and golden tests", value: seconds, unit: "s", limit: 10 }];
}
