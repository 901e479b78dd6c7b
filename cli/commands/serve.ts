import { setTimeout as sleep } from "node:timers/promises";
import type { ChatPlaces, ChatRepository } from "../chatops/chat-context.ts";
import { startReceiver } from "../chatops/receiver.ts";
import { webhookSecretVariable } from "../chatops/webhook.ts";
import { chainFrom, readOrigins } from "../ci-config/environment-chain.ts";
import { CommandError, defineCommand, type CommandContext } from "../command.ts";
import { githubOptions } from "../github/access.ts";
import { openGitHubChat } from "../github/chat.ts";
import { githubTokenVariable } from "../github/connection.ts";
import { openGitHub } from "../github/github.ts";
import { openGitHubRefs } from "../github/refs.ts";
import { isOnGitHub } from "../github/web.ts";
import { duration, environmentName, UsageError, type OptionTable, type OptionValues } from "../options.ts";
import { deployCredentialsHelp } from "../project/environment.ts";
import { Project } from "../project/stack-file.ts";
import { repositoryName } from "../promotion/pull-request.ts";

const shortestSecret = 16;
/** What is older is not answered, in milliseconds. */
const longestAge = 60 * 60_000;

const options = {
  env: {
    value: "ENVIRONMENT",
    parse: environmentName,
    required: true,
    help: "the first environment, which gets what is merged; those that promote from it follow",
  },
  listen: {
    value: "HOST:PORT",
    parse: hostAndPort,
    default: "127.0.0.1:8080",
    help: "where webhooks come in; port 0: any free one",
  },
  sweep: {
    value: "DURATION",
    parse: duration,
    default: "5m",
    help: "how often to look for comments whose webhook has not arrived, beside once at the start",
  },
  unverified: { help: "do not ask the registry whether it has the images that are promoted or go back" },
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "carry out what comments on pull requests ask for",
  description: [
    `Listens to GitHub's webhooks at /webhook, and carries out what comments on pull requests ask for by lines that begin with
    /delivery, of people who may write to the repository. Each comment is answered once, by a reaction and in one comment
    with all answers.`,
    {
      "retest [SERVICE]": "runs the jobs of its pipeline again, of the same commit",
      preview: "gives it an environment of its own: its label, and a pipeline that sees it",
      "promote ENVIRONMENT": `of one that is merged: promotes the services that it concerns, by the same gates; where a
        person must approve, by a pull request`,
      "rollback ENVIRONMENT SERVICE": "of one that is merged: runs again what ran before it came there",
      "hold, unhold": `its pipeline fails as long as it is on hold; merged, it stays out of environments with
        promotion.holds`,
      "approve [COMMIT]": "of a promotion, in the deploy repository: merges it",
      "ok-to-test COMMIT": "of a fork: tests this commit, and none that comes later, as one of a member",
    },
  ],
  usage: ["serve --env ENVIRONMENT [OPTIONS]"],
  options,
  notes: [
    `Run it where the stack files are, beside a checkout of the monorepo that is kept up to date. Only environments with
    github.commands are promoted to or rolled back; who asks for that must be able to write to the deploy repository, too.`,
    {
      [webhookSecretVariable]: `the secret of the webhook, which has content type application/json and the events Issue
        comments and Pull requests, in the monorepo and in the deploy repository`,
      [githubTokenVariable]: `may write issues, pull requests, statuses and contents of both, and read who may write`,
      CIRCLE_TOKEN: "for retest and preview",
    },
    deployCredentialsHelp,
  ],
  run,
});

async function run(flags: OptionValues<typeof options>, context: CommandContext): Promise<void> {
  const { [webhookSecretVariable]: secret = "", ...environment } = context.environment;
  if (secret.length < shortestSecret)
    throw new CommandError(
      `${webhookSecretVariable} is ${secret === "" ? "not set" : `shorter than ${shortestSecret} characters`}; set it to the secret of GitHub's webhook, e.g. what \`openssl rand -hex 32\` prints`,
    );
  if ((environment[githubTokenVariable] ?? "") === "")
    throw new CommandError(`${githubTokenVariable} is not set, without which nothing can be answered`);
  // What commands run has no use for the secret.
  const inner = { ...context, environment };
  const project = new Project();
  const places = placesOf(project, chainFrom(flags.env, readOrigins(project)), inner);
  await using receiver = await startReceiver({
    address: flags.listen,
    secret,
    places,
    first: flags.env,
    context: inner,
    checks: flags.unverified ? ["--unverified"] : [],
    longestAge,
    log: context.note,
  });
  const names = [places.source, ...places.deploys.values()].map(({ name }) => name);
  context.print(`${receiver.url} listens for ${[...new Set(names)].join(", ")}`);
  while (!context.signal.aborted) {
    await receiver.sweep();
    await sleep(flags.sweep, undefined, { signal: context.signal }).catch(() => undefined);
  }
}

/** @throws CommandError where no stack file says where the monorepo is, or they do not agree */
function placesOf(project: Project, environments: readonly string[], context: CommandContext): ChatPlaces {
  const files = environments.map((name) => {
    const file = project.stackFile(name);
    return { path: file.path, ...file.read("github", "gitops") };
  });
  const [first, ...others] = files.flatMap(({ path, github }) => (github === undefined ? [] : [{ path, github }]));
  if (first === undefined)
    throw new CommandError(
      `none of the stack files of ${environments.join(", ")} has github.repository; set it to the monorepo on GitHub`,
    );
  const other = others.find(
    ({ github }) => github.repository !== first.github.repository || github.api !== first.github.api,
  );
  if (other !== undefined)
    throw new CommandError(
      `${first.path} and ${other.path} do not agree on github.repository and github.api; comments are answered for one monorepo`,
    );
  const open = (name: string): ChatRepository => {
    const settings = githubOptions(first.github, context, name);
    return { name, github: openGitHub(settings), chat: openGitHubChat(settings), refs: openGitHubRefs(settings) };
  };
  const urls = new Set(files.flatMap(({ gitops }) => gitops?.repository ?? []));
  const deploys = [...urls].flatMap((url) => {
    const name = isOnGitHub(url, first.github.api) ? repositoryName(url, undefined) : undefined;
    return name === undefined ? [] : [[url, open(name)] as const];
  });
  return { source: open(first.github.repository), deploys: new Map(deploys) };
}

function hostAndPort(text: string, option: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535)
    throw new UsageError(`--${option} ${JSON.stringify(text)}: must be an address and a port, such as 127.0.0.1:8080`);
  return { host, port: Number(port) };
}
