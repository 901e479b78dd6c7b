import { writeFile } from "node:fs/promises";
import { gitAt } from "../../git/git-command.ts";
import { ciRun } from "../ci-run.ts";
import { CommandError, defineCommand, type CommandContext } from "../command.ts";
import { commitId, UsageError, type OptionTable, type OptionValues } from "../options.ts";
import { githubHelp, githubOf, githubSettings } from "../github/access.ts";
import { githubTokenVariable } from "../github/connection.ts";
import { commentReport, previewMarkdown } from "../preview/comment.ts";
import type { StackPreview } from "../preview/model.ts";
import type { SafeSource } from "../preview/run-preview.ts";
import { sanitizedEnv } from "../preview/sanitized-env.ts";
import { engineHelp } from "../pulumi/engine-help.ts";
import { Project } from "../project/stack-file.ts";

const options = {
  stack: {
    value: "STACK",
    multiple: true,
    help: "a stack, e.g. dev, or acme/dev with an organization; with the credentials of the environment",
  },
  "safe-stack": {
    value: "STACK",
    multiple: true,
    help: `the same with no credentials at all, as for the pull request of a fork: secrets are placeholders, the state is
      the one that \`delivery publish-state\` has published. It is read before any program runs: anonymously, or else with
      the login of the checkout's \`origin\`, or with DELIVERY_GIT_TOKEN`,
  },
  state: {
    value: "FILE",
    help: "the published state of the one --safe-stack",
    defaultText: "from branch delivery-state",
  },
  "pull-request": { value: "NUMBER", help: "write the report to this pull request, over the one before" },
  comment: { help: "the same, to the pull request of CIRCLE_PULL_REQUEST, CIRCLE_SHA1 or CIRCLE_BRANCH" },
  "source-commit": {
    value: "SHA",
    parse: commitId,
    help: "the commit that is looked at. Nothing is written to a pull request that has another by now",
    defaultText: "that of the run of CI",
  },
  "diff-link": {
    value: "URL",
    help: "where the whole report is when it has to be cut",
    defaultText: "that of the run of CI",
  },
  output: { value: "FILE", help: "write the report here, too" },
  json: { help: "print it as JSON" },
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "show what a pull request changes, as a comment on it",
  description: [
    `Shows what \`pulumi up\` would change, by the engine's own preview, as one report in Markdown: replacements and
    deletions first, a line per service, the manifests file by file. It changes nothing, and shows no secret.`,
  ],
  usage: ["preview (--stack STACK | --safe-stack STACK) … [OPTIONS]"],
  options,
  notes: [
    `${engineHelp} ${githubHelp}
    Without it the report is only printed. A job with credentials must not run for the pull request of a fork, whose
    program could read them: there, give --safe-stack alone.`,
    `The exit status is 1 where a preview fails or a mandatory policy is violated; the report says so, too. Policies are the
    program's own (docs/policy.md), those of the files of policies/ in the current directory, and the engine's.`,
  ],
  run,
});

async function run(flags: OptionValues<typeof options>, context: CommandContext): Promise<void> {
  const { stack: trusted = [], "safe-stack": safe = [], "pull-request": pullRequest } = flags;
  assertStacks(trusted, safe, flags.state);
  const { environment, print } = context;
  // A preview without credentials removes them from the environment; the comment needs them afterwards.
  const ambient = { ...environment };
  // HEAD of the checkout does not count here: it may be that of the program's own repository, or a merge that CI made.
  const givenCommit = flags["source-commit"] ?? ciRun(ambient).commit;
  const commit = givenCommit ?? (await headCommit());
  const project = new Project();
  const previews = await previewAll(project, { trusted, safe }, flags.state, context);
  const link = flags["diff-link"] ?? ciRun(ambient).link;
  const whole = previewMarkdown(previews, { commit, limit: Number.POSITIVE_INFINITY });
  if (flags.output !== undefined) await writeFile(flags.output, whole);
  print(flags.json ? JSON.stringify({ commit: commit ?? null, stacks: previews }) : whole);
  if (flags.comment || pullRequest !== undefined) {
    const report = previewMarkdown(previews, { commit, link });
    const first = [...trusted, ...safe][0]?.split("/").at(-1) ?? "";
    const reported = { report, first, commit: givenCommit, pullRequest };
    const hasToken = (ambient[githubTokenVariable] ?? "") !== "";
    context.note(
      hasToken
        ? await commentReport(
            githubOf(githubSettings(project.stackFile(first)), { ...context, environment: ambient }),
            reported,
            ambient,
          )
        : `no comment: ${githubTokenVariable} is not set; the report is printed only`,
    );
  }
  const failed = previews.filter(
    ({ errors, policies }) => errors.length > 0 || policies.some(({ mandatory }) => mandatory),
  );
  if (failed.length > 0) throw new CommandError(`the preview of ${failed.map(({ stack }) => stack).join(", ")} failed`);
}

function assertStacks(trusted: readonly string[], safe: readonly string[], state: string | undefined): void {
  const all = [...trusted, ...safe];
  if (all.length === 0) throw new UsageError("nothing to preview; give --stack STACK or --safe-stack STACK");
  const wrong = all.find((stack) => !/^([\w.-]+\/){0,2}[A-Za-z0-9][\w.-]*$/.test(stack));
  if (wrong !== undefined) throw new UsageError(`${JSON.stringify(wrong)} is not the name of a stack`);
  const twice = all.find((stack, index) => all.indexOf(stack) !== index);
  if (twice !== undefined) throw new UsageError(`${twice} is named twice`);
  if (state !== undefined && safe.length !== 1) throw new UsageError("--state is of exactly one --safe-stack");
}

async function previewAll(
  project: Project,
  stacks: { trusted: readonly string[]; safe: readonly string[] },
  stateFile: string | undefined,
  { note, signal }: CommandContext,
): Promise<StackPreview[]> {
  // Loading the engine takes a second, which wrong command lines need not wait for.
  const { previewSafely, previewTrusted } = await import("../preview/run-preview.ts");
  const { readReleased } = await import("../preview/image-status.ts");
  const { readPublishedState, readStateFile } = await import("../preview/published-state.ts");
  // Reading it may take a login, so it is read before any program of the pull request runs.
  const published = new Map<string, SafeSource>();
  for (const stack of stacks.safe)
    published.set(stack, {
      ...(await (stateFile === undefined ? readPublishedState(project, stack) : readStateFile(stateFile))),
      released: await readReleased(project, stack, process.env),
    });
  const previews: StackPreview[] = [];
  for (const stack of stacks.trusted) {
    note(`previewing ${stack}`);
    previews.push(await previewTrusted(project, stack, signal));
  }
  // Between two previews, too: a process that a program left running must not find the credentials again.
  using _bare = stacks.safe.length === 0 ? null : sanitizedEnv(undefined);
  for (const [stack, state] of published) {
    note(`previewing ${stack} without credentials`);
    previews.push(await previewSafely(project, stack, state, signal));
  }
  return previews;
}

async function headCommit(): Promise<string | undefined> {
  return gitAt(".")(["rev-parse", "HEAD"]).then(
    (output) => output.toString().trim(),
    () => undefined,
  );
}
