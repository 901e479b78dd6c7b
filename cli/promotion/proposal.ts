import type { Records, Release } from "../../git/records.ts";
import { CommandError, type CommandContext } from "../command.ts";
import { writeDigests } from "../release/digests-file.ts";
import { readCandidates, rolledBackLines, unprovedLines, type Candidates, type PromotionPath } from "./candidates.ts";

/** What a person is to decide about. */
export interface Proposal extends PromotionPath {
  readonly pending: readonly Release[];
  /** The records of where it goes, as they are before. */
  readonly seen: Records;
}

/** Where there is nothing, a proposal is of nothing: CI asks all the same. What is left out is noted. */
export async function readProposal(path: PromotionPath, { note }: Pick<CommandContext, "note">): Promise<Proposal> {
  try {
    const candidates = await readCandidates(path);
    for (const line of leftOutLines(path, candidates)) note(line);
    return { ...path, pending: candidates.pending, seen: candidates.seen };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    note(error.message);
    return { ...path, pending: [], seen: new Map() };
  }
}

/** Messages that say which services are not proposed, and why. */
export function leftOutLines({ from, to }: PromotionPath, candidates: Candidates): string[] {
  return [...unprovedLines(from.name, candidates), ...rolledBackLines(to.name, candidates)];
}

/** Prints a proposal, and writes its digests to a file, by which a decision is bound to them. */
export function propose(file: string, proposal: Proposal, { print }: Pick<CommandContext, "print">): void {
  const digests = Object.fromEntries(proposal.pending.map(({ service, digest }) => [service, digest]));
  writeDigests(file, digests, "give --propose another file");
  print(proposalText(proposal));
}

export function proposalText({ from, to, pending }: Proposal): string {
  if (pending.length === 0) return `${to.name}: there is nothing to promote`;
  const lines = pending.map(
    ({ service, digest, sourceCommit }) =>
      `  ${service} ${digest}${sourceCommit === undefined ? "" : `, built from ${sourceCommit}`}`,
  );
  return [`What ${from.name} runs, and ${to.name} is to run:`, ...lines].join("\n");
}
