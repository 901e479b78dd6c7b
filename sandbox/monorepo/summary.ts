import type { NeededImages } from "./pulled-images.ts";

/** How a service, or a dependency, has come out. */
export interface ServiceOutcome {
  readonly name: string;
  readonly state: "runs" | "declared" | "not built" | "not released" | "does not run";
  /** Where it is reached, or why it does not run. */
  readonly detail: string;
}

/** What cannot be pulled, who needs it, and what to do. */
export function unavailableLines(unavailable: ReadonlyMap<string, string>, needed: NeededImages): string[] {
  if (unavailable.size === 0) return [];
  const width = Math.max(...[...unavailable.keys()].map((image) => image.length));
  const [example = ""] = unavailable.keys();
  return [
    `\n${unavailable.size === 1 ? "One image" : `${unavailable.size} images`} cannot be pulled here:`,
    ...[...unavailable].map(([image, reason]) => {
      const { services = [], dependencies = [] } = needed.get(image) ?? {};
      const users = [
        ...(services.length === 0
          ? []
          : [`${services.join(", ")} ${services.length === 1 ? "is" : "are"} built of it`]),
        ...(dependencies.length === 0
          ? []
          : [`${dependencies.join(", ")} ${dependencies.length === 1 ? "runs" : "run"} it`]),
      ];
      return `  ${image.padEnd(width)}  ${users.join("; ")}\n  ${"".padEnd(width)}  ${reason}`;
    }),
    `Where it can be pulled: docker save ${example} -o FILE.tar; then here: npm run up -- --image ${example}=FILE.tar`,
    "All else goes on without.\n",
  ];
}

/** The last lines of `up`: every service, how it came out, and why. */
export function summaryLines(outcomes: readonly ServiceOutcome[]): string[] {
  const width = Math.max(0, ...outcomes.map(({ name }) => name.length));
  const states = Math.max(0, ...outcomes.map(({ state }) => state.length));
  const indent = " ".repeat(width + states + 6);
  const count = outcomes.filter(isFine).length;
  return [
    `\nServices and dependencies: ${count} of ${outcomes.length} run`,
    ...outcomes.map(({ name, state, detail }) => {
      const [first = "", ...rest] = detail.split("\n");
      return [
        `  ${name.padEnd(width)}  ${state.padEnd(states)}  ${first}`,
        ...rest.map((line) => `${indent}${line}`),
      ].join("\n");
    }),
  ];
}

/** `declared`: nothing of it has to run all the time. */
export function isFine({ state }: ServiceOutcome): boolean {
  return state === "runs" || state === "declared";
}
