import { summarize } from "../../git/records.ts";
import { CommandError, type CommandContext } from "../command.ts";
import { allPassed, gateLines } from "./gate.ts";
import type { GatedCandidates } from "./gates.ts";

/**
 * Says what the gates have found.
 * @throws CommandError that names every gate that does not hold
 */
export function refuseFailedGates(
  to: string,
  { pending, rolledBack, outcomes }: GatedCandidates,
  { check, json }: { check: boolean; json: boolean },
  { print, note }: Pick<CommandContext, "print" | "note">,
): void {
  const lines = gateLines(outcomes);
  const passed = allPassed(outcomes);
  if (json && (check || !passed)) {
    const services = pending.map(({ service, repository, digest }) => ({ service, repository, digest }));
    const stay = rolledBack.map(({ service }) => service);
    print(JSON.stringify({ environment: to, changed: false, passed, gates: outcomes, rolledBack: stay, services }));
  } else if (check && passed) {
    print(
      pending.length === 0
        ? `${to}: there is nothing to promote`
        : [...lines, `${to}: ${summarize(pending)} may be promoted`].join("\n"),
    );
  } else if (passed) {
    for (const line of lines) note(line);
  }
  if (passed) return;
  const failed = outcomes.filter((outcome) => !outcome.passed);
  const narrow = failed.some(({ services }) => services?.some((service) => service.passed))
    ? "; --service promotes only those that pass"
    : "";
  throw new CommandError(
    `${to}: not all gates hold; nothing was promoted${narrow}\n${lines.join("\n").replaceAll(/^/gm, "  ")}`,
  );
}
