import { errorMessage } from "../../core/error.ts";
import { shortDigest } from "../../git/records.ts";
import type { CommandContext } from "../command.ts";
import { githubOf } from "../github/access.ts";
import { githubTokenVariable } from "../github/connection.ts";
import type { CommitStatus, GitHub } from "../github/github.ts";
import { code, escapeUrl, plain } from "../github/markdown.ts";
import { commentMarker, putStickyComment } from "../github/sticky-comment.ts";
import type { StackFile } from "../project/stack-file.ts";
import { metricWords } from "../status/judgment-picture.ts";
import type { VerifiedService } from "./verify.ts";

/**
 * Says at the commits of the monorepo what has come of their images, and in the pull requests that they are of what has failed.
 * The release records say it all the same, so that what GitHub refuses changes nothing.
 * @param found what this run has found
 * @param recent what the release records say of the last day: of a commit, several runs may find something, and one that was
 *   killed has told nobody
 * @param link the job that has found it. @default it is none
 */
export async function tellGitHub(
  file: StackFile,
  args: { readonly found: readonly VerifiedService[]; readonly recent: () => Promise<readonly VerifiedService[]> },
  link: string | undefined,
  context: CommandContext,
): Promise<void> {
  const settings = file.find("github")?.github;
  if (settings === undefined) return;
  const all = perImage(args.found);
  const isToTell = all.some(
    ({ outcome, sourceCommit }) => outcome.state !== "superseded" && sourceCommit !== undefined,
  );
  if ((context.environment[githubTokenVariable] ?? "") === "") {
    if (isToTell) context.note(`GitHub is not told: ${githubTokenVariable} is not set`);
    return;
  }
  const recently = await args.recent().catch((error: unknown): readonly VerifiedService[] => {
    if (context.signal.aborted) throw error;
    context.note(`GitHub is told of nothing that earlier runs have found: ${errorMessage(error)}`);
    return [];
  });
  const known = perImage(recently);
  // What had no verdict for this run may have got one from another since.
  const found = all.map((one) => {
    if (one.outcome.state !== "pending") return one;
    const now = recently.find((other) => isSame(one, other) && one.wave === other.wave);
    return now === undefined || now.outcome.state === "pending" ? one : now;
  });
  const commits = Map.groupBy(
    [...found, ...known.filter((one) => !found.some((other) => isSame(one, other)))].filter(
      ({ sourceCommit }) => sourceCommit !== undefined,
    ),
    ({ sourceCommit }) => sourceCommit ?? "",
  );
  const github = githubOf(settings, context);
  for (const [commit, services] of commits) {
    try {
      const status = statusOf(file.name, services);
      const isNew = services.some((one) => all.includes(one) && one.outcome.state !== "superseded");
      if (!isNew && !(await isMissing(github, commit, services, status))) continue;
      const job = isNew ? link : undefined;
      // The status comes last: as long as it is missing, whoever looks next writes the comment, too.
      if (services.some(({ outcome }) => outcome.state === "failed"))
        await comment(github, commit, file.name, services, job);
      await github.setStatus(commit, { ...status, url: job });
    } catch (error) {
      if (context.signal.aborted) throw error;
      context.note(`GitHub is not told of ${commit}: ${errorMessage(error)}`);
    }
  }
}

function isSame(one: VerifiedService, other: VerifiedService): boolean {
  return one.service === other.service && one.digest === other.digest && one.sourceCommit === other.sourceCommit;
}

/** Whether GitHub says something else of a commit, or nothing. Of what was superseded it need not say anything. */
async function isMissing(
  github: GitHub,
  commit: string,
  services: readonly VerifiedService[],
  { context, state }: CommitStatus,
): Promise<boolean> {
  const told = await github.stateOf(commit, context);
  if (services.every(({ outcome }) => outcome.state === "superseded")) return told === "pending";
  return told !== state;
}

/** Of the waves of an image, the one that has failed counts, or else the last one. */
function perImage(services: readonly VerifiedService[]): readonly VerifiedService[] {
  const groups = Map.groupBy(
    services,
    ({ service, digest, sourceCommit = "" }) => `${service}@${digest} ${sourceCommit}`,
  );
  return [...groups.values()].flatMap(
    (waves) => waves.find(({ outcome }) => outcome.state === "failed") ?? waves.at(-1) ?? [],
  );
}

function statusOf(environment: string, services: readonly VerifiedService[]): CommitStatus {
  const context = `delivery/verify-${environment}`;
  const named = (state: VerifiedService["outcome"]["state"]): string[] =>
    services.flatMap(({ service, outcome }) => (outcome.state === state ? [service] : []));
  const [failed, pending] = [named("failed"), named("pending")];
  const running = services.flatMap(({ service, outcome }) =>
    outcome.state === "failed" && outcome.back === null ? [service] : [],
  );
  const back = failed.filter((service) => !running.includes(service));
  if (failed.length > 0) {
    const parts = [
      ...(back.length === 0 ? [] : [`${back.join(", ")} failed, and is taken back`]),
      ...(running.length === 0 ? [] : [`${running.join(", ")} failed, and still runs`]),
    ];
    return { context, state: "failure", description: parts.join("; ") };
  }
  if (pending.length > 0) return { context, state: "pending", description: `${pending.join(", ")} proves itself` };
  const [passed, superseded] = [named("passed"), named("superseded")];
  const told = [
    ...(passed.length === 0 ? [] : [`${passed.join(", ")} passed`]),
    ...(superseded.length === 0 ? [] : [`${superseded.join(", ")} was followed by a newer release`]),
  ];
  return { context, state: "success", description: told.join("; ") };
}

async function comment(
  github: GitHub,
  commit: string,
  environment: string,
  services: readonly VerifiedService[],
  link: string | undefined,
): Promise<void> {
  const rows = services.flatMap(({ service, digest, outcome }) => {
    if (outcome.state !== "failed") return [];
    const now =
      outcome.back === null
        ? `still ${code(shortDigest(digest))}${outcome.stays === undefined ? "" : `: ${plain(outcome.stays)}`}`
        : `${code(shortDigest(outcome.back))}, what it ran before`;
    return [`| ${plain(service)} | ${code(shortDigest(digest))} | ${plain(outcome.evidence)} | ${now} |`];
  });
  const text = [
    `## Failed in ${plain(environment)}`,
    "",
    `What ${code(commit)} makes has not proved itself there. It does not come back by itself; a later change to the service does.`,
    "",
    "| service | image | what was found | runs now |",
    "| --- | --- | --- | --- |",
    ...rows,
    ...services.flatMap(judgmentLines),
    ...(link === undefined ? [] : ["", `[The job that found it](${escapeUrl(link)})`]),
    "",
  ].join("\n");
  for (const { number } of await github.pullRequestsOf(commit))
    await putStickyComment(github, number, commentMarker(`verify ${environment}`), text);
}

/** What the metrics of an image that has failed came to, as a table. */
function judgmentLines({ service, outcome }: VerifiedService): string[] {
  if (outcome.state !== "failed" || outcome.judgment === undefined) return [];
  const { score, groups, metrics } = outcome.judgment;
  const scoreOf = (name: string): string => {
    const found = groups.find(({ group }) => group === name);
    return found === undefined ? "" : `${Math.round(found.score)} of 100`;
  };
  return [
    "",
    `What was measured of ${plain(service)}: score ${Math.round(score)} of 100`,
    "",
    "| metric | came to | group | score of the group |",
    "| --- | --- | --- | --- |",
    ...metrics.map(
      (metric) =>
        `| ${code(metric.metric)} | ${metricWords(metric)} | ${plain(metric.group)} | ${scoreOf(metric.group)} |`,
    ),
  ];
}
