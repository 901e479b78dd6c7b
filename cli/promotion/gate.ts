/** What must hold before digests are promoted. */
export type GateName = "health" | "approval" | "test";

/** What a gate found. Holds nothing secret. */
export interface GateOutcome {
  readonly gate: GateName;
  readonly passed: boolean;
  /** What was found and, where it did not pass, the way out. */
  readonly detail: string;
  /** Where the gate looks at each service by itself. */
  readonly services?: readonly ServiceOutcome[];
}

/** What a gate found of one service. */
export interface ServiceOutcome {
  readonly service: string;
  readonly digest: string;
  readonly passed: boolean;
  readonly detail: string;
  /** ISO 8601; `null`: it is not Healthy, or nothing tells. */
  readonly healthySince: string | null;
}

export function allPassed(outcomes: readonly GateOutcome[]): boolean {
  return outcomes.every(({ passed }) => passed);
}

/** One line per gate, and below it one per service that is in the way. */
export function gateLines(outcomes: readonly GateOutcome[]): string[] {
  const width = Math.max(0, ...outcomes.map(({ gate }) => gate.length));
  return outcomes.flatMap(({ gate, passed, detail, services = [] }) => [
    `${passed ? "✓" : "✗"} ${gate.padEnd(width)}  ${detail.replaceAll("\n", `\n${" ".repeat(width + 4)}`)}`,
    ...services
      .filter((service) => !service.passed)
      .map((service) => `  ${" ".repeat(width)}  ${service.service}: ${service.detail}`),
  ]);
}
