import { createHash } from "node:crypto";
import { shortDigest, type Release, type Released } from "../../git/records.ts";
import { CommandError } from "../command.ts";
import type { GitHub, PullRequest } from "../github/github.ts";
import { fenced } from "../github/markdown.ts";
import { gateLines, type GateOutcome } from "./gate-outcome.ts";

/** The branch of a pull request. The same digests have the same branch, so that a second run updates it. */
export function promotionBranch(to: string, releases: readonly Release[]): string {
  const lines = releases.map(({ service, digest }) => `${service} ${digest}\n`).toSorted();
  return `promote/${to}-${createHash("sha256").update(lines.join("")).digest("hex").slice(0, 10)}`;
}

/**
 * The repository on GitHub that a URL for Git leads to, as owner/name.
 * @param given the name on the command line, which comes first
 * @throws CommandError where the URL does not say it
 */
export function repositoryName(url: string, given: string | undefined): string {
  if (given !== undefined) return given;
  const path = /^[a-z+]+:\/\//i.test(url) ? new URL(url).pathname.slice(1) : url.replace(/^[^:]*:/, "");
  const name = path.replace(/\/$/, "").replace(/\.git$/, "");
  if (/^[\w.-]+\/[\w.-]+$/.test(name)) return name;
  throw new CommandError(
    `the URL ${url} does not say which repository on GitHub it is; give --github-repository OWNER/NAME`,
  );
}

export interface Proposal {
  readonly from: string;
  readonly to: string;
  /** The first line of the commit. */
  readonly title: string;
  readonly head: string;
  readonly base: string;
  readonly released: readonly Released[];
  readonly outcomes: readonly GateOutcome[];
  /** The commits that it brings, as Markdown. */
  readonly changelog: string;
}

/** Services that the body lists: GitHub takes 65,536 characters, and names have up to 63. */
const shownServices = 100;

/** Opens the pull request, or finds the one that is open for the branch. */
export function propose(github: GitHub, proposal: Proposal): Promise<PullRequest> {
  const { title, head, base } = proposal;
  return github.createPullRequest({ title, head, base, body: proposalBody(proposal) });
}

/** One line for each of the first services, what has changed in them, and what the gates have found. */
export function proposalBody({ from, to, released, outcomes, changelog }: Proposal): string {
  const services = released.slice(0, shownServices).map(({ service, digest, previous, sourceCommit }) => {
    const before = previous === undefined ? "nothing" : `\`${shortDigest(previous)}\``;
    const source = sourceCommit === undefined ? "" : `, built from ${sourceCommit.slice(0, 12)}`;
    return `- **${service}** ${before} → \`${shortDigest(digest)}\`${source}`;
  });
  const more = released.length - services.length;
  const gates = gateLines(outcomes);
  const parts = [
    `Makes ${to} run what ${from} runs. Merging it is the promotion.`,
    [...services, ...(more > 0 ? [`- … and ${more} more, which are in the commit`] : [])].join("\n"),
    ...(changelog === "" ? [] : [changelog]),
    ...(gates.length === 0 ? [] : [`When it was opened:\n\n${fenced(gates.join("\n"), "")}`]),
  ];
  return `${parts.join("\n\n")}\n`;
}
