import { commitWithLine } from "../../git/commits-with-line.ts";
import { readBranch } from "../../git/deploy-repository.ts";
import { shortCommit } from "../../git/records.ts";
import { z } from "zod";
import { parsedJson } from "../../core/json.ts";
import { imagesAffectedBy } from "../affected/affected-services.ts";
import type { Command } from "../command.ts";
import { findEnvironment, type DeliveryEnvironment } from "../project/environment.ts";
import { readMonorepo, repositoryOf, type Monorepo } from "../project/monorepo.ts";
import { requestedInTrailer } from "../release/requested-by.ts";
import { findPullRequest } from "../where/asked-commit.ts";
import { whereaboutsIn, type Whereabouts } from "../where/whereabouts.ts";
import { Refusal } from "./answers.ts";
import type { ChatRequest } from "./chat-context.ts";

/** The environment of this name, if comments may change what it runs. @throws Refusal */
export function commandedEnvironment({ project, environments }: ChatRequest, name: string): DeliveryEnvironment {
  if (!environments.includes(name))
    throw new Refusal(`there is no environment ${name}; there are ${environments.join(", ")}`);
  const file = project.stackFile(name);
  const { github, delivery } = file.read("github", "delivery");
  if (delivery !== "gitops") throw new Refusal(`what ${name} runs is in no release records (delivery: ${delivery})`);
  if (github?.commands !== true)
    throw new Refusal(`comments do not change what ${name} runs; github.commands of ${file.path} would let them`);
  return findEnvironment(project, name, {});
}

/** A pull request that is merged, and the services that it concerns. */
export interface MergedChange {
  readonly commit: string;
  readonly services: readonly string[];
  readonly monorepo: Monorepo;
}

/** @param environment whose stack file says where the monorepo is */
export async function mergedChange(request: ChatRequest, environment: string): Promise<MergedChange> {
  const monorepo = readMonorepo(request.project, environment);
  const repository = await repositoryOf(monorepo);
  const { github } = request.repository;
  const { id, files } = await findPullRequest(repository, monorepo.root, request.pullRequest.number, github);
  return { commit: id, services: [...(await imagesAffectedBy(monorepo))(files).keys()], monorepo };
}

/** Where services of an environment are with a merged change. */
export async function whereaboutsOf(
  environment: DeliveryEnvironment,
  services: readonly string[],
  { commit, monorepo }: MergedChange,
): Promise<readonly Whereabouts[]> {
  const checkout = { repository: await repositoryOf(monorepo), directory: monorepo.root };
  return whereaboutsIn(environment, services, commit, checkout);
}

/**
 * What a line of a comment has brought about already, if whoever listens was stopped before it had answered. Other lines of the
 * same comment may have made commits, too.
 * @param subject how the commit's begins
 * @param service that it must be about. @default any
 */
export function alreadyDone(
  environment: DeliveryEnvironment,
  { url }: ChatRequest,
  subject: string,
  service?: string,
): Promise<string | undefined> {
  const line = requestedInTrailer(url);
  const other = service === undefined ? undefined : `Service: ${service}`;
  return readBranch(
    environment,
    async ({ commit }, git) => {
      const found = commit === undefined ? undefined : await commitWithLine(git, commit, { subject, line, other });
      return found === undefined ? undefined : `it is done, by ${shortCommit(found)} of the deploy repository`;
    },
    "whole history",
  );
}

/** What `promote` and `rollback` print as JSON. */
const resultSchema = z.object({
  changed: z.boolean(),
  commit: z.string().nullable(),
  services: z.array(z.object({ service: z.string() })),
  pullRequest: z.object({ number: z.number(), url: z.string() }).nullish(),
});

/** Runs a command as `npx delivery` does, on behalf of somebody. @returns a sentence */
export async function runOnBehalf(
  command: Command,
  args: readonly string[],
  { context, login, url }: ChatRequest,
): Promise<string> {
  const lines: string[] = [];
  const behalf = ["--requested-by", login, "--requested-in", url, "--json"];
  await command.run([...args, ...behalf], { ...context, print: (line) => void lines.push(line) });
  const result = resultSchema.parse(parsedJson(lines.join("\n")));
  if (!result.changed) return "there was nothing to change";
  const services = result.services.map(({ service }) => service).join(", ");
  if (result.pullRequest !== undefined && result.pullRequest !== null)
    return `${services}: pull request ${result.pullRequest.url} is to be approved`;
  return `${services}: done by ${shortCommit(result.commit ?? "")} of the deploy repository`;
}
