import type { ServiceOutcome } from "./health.ts";

type GateName = "health" | "approval" | "hold" | "test";

/** What a gate found. Holds nothing secret. */
export interface GateOutcome {
  readonly gate: GateName;
  readonly passed: boolean;
  /** What was found and, where it did not pass, what to do about it. */
  readonly detail: string;
  /** For a gate that looks at each service by itself. */
  readonly services?: readonly ServiceOutcome[];
}

/** One line per gate, and below it one per service that does not pass. */
export function gateLines(outcomes: readonly GateOutcome[]): string[] {
  const width = Math.max(0, ...outcomes.map(({ gate }) => gate.length));
  return outcomes.flatMap(({ gate, passed, detail, services = [] }) => [
    `${passed ? "✓" : "✗"} ${gate.padEnd(width)}  ${detail.replaceAll("\n", `\n${" ".repeat(width + 4)}`)}`,
    ...services
      .filter((service) => !service.passed)
      .map((service) => `  ${" ".repeat(width)}  ${service.service}: ${service.detail}`),
  ]);
}

/** Whether all gates hold. */
export function allPassed(outcomes: readonly GateOutcome[]): boolean {
  return outcomes.every(({ passed }) => passed);
}
