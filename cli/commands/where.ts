import { shortCommit } from "../../git/records.ts";
import { imagesAffectedBy } from "../affected/affected-services.ts";
import { chainFrom, readOrigins } from "../ci-config/environment-chain.ts";
import { CommandError, defineCommand, type CommandContext } from "../command.ts";
import { githubHelp, githubOf, githubSettings } from "../github/access.ts";
import { environmentName, type OptionTable, type OptionValues } from "../options.ts";
import { deployCredentialsHelp, findEnvironment } from "../project/environment.ts";
import { commonEnvironments, readCommonMonorepo, readMonorepo, repositoryOf } from "../project/monorepo.ts";
import { Project } from "../project/stack-file.ts";
import { askedCommit, findCommit, findPullRequest, type FoundCommit } from "../where/asked-commit.ts";
import { whereaboutsIn, type Whereabouts } from "../where/whereabouts.ts";

const options = {
  commit: {
    value: "COMMIT|PR",
    positional: true,
    parse: askedCommit,
    required: true,
    help: "a commit of the monorepo as Git takes it, such as HEAD~2, or the number of a pull request, such as 12 or #12",
  },
  env: {
    value: "ENVIRONMENT",
    parse: environmentName,
    help: "the first environment; those that promote from it follow",
    defaultText: "all that have a stack file, which must agree on where the services are",
  },
  json: { help: "print the result as JSON" },
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "say which environments have a commit, and since when",
  description: [
    `Says of a commit, or of a pull request that is merged, which services it concerns, and of each environment whether what
    runs there has it, since when, and by which commit of the deploy repository: by the release records and their history.`,
  ],
  usage: ["where COMMIT|PR [OPTIONS]"],
  options,
  notes: [
    `What services are made of is read from the working tree. What a watcher of the registry has released names no commit, so
    that of it nothing is known.`,
    deployCredentialsHelp,
    githubHelp,
  ],
  run,
});

interface EnvironmentWhereabouts {
  readonly environment: string;
  readonly services: readonly Whereabouts[];
}

async function run({ commit: asked, env, json }: OptionValues<typeof options>, context: CommandContext): Promise<void> {
  const project = new Project();
  const chain = env === undefined ? inOrder(project) : chainFrom(env, readOrigins(project));
  const monorepo = env === undefined ? readCommonMonorepo(project) : readMonorepo(project, env);
  const repository = await repositoryOf(monorepo);
  const found =
    "commit" in asked
      ? await findCommit(repository, monorepo.root, asked.commit)
      : await findPullRequest(
          repository,
          monorepo.root,
          asked.pullRequest,
          githubOf(githubOfAny(project, chain), context),
        );
  const services = [...(await imagesAffectedBy(monorepo))(found.files).keys()];
  const names = chain.filter((name) => project.stackFile(name).read("gitops").gitops !== undefined);
  const environments = await Promise.all(
    names.map(async (environment): Promise<EnvironmentWhereabouts> => {
      const checkout = { repository, directory: monorepo.root };
      return {
        environment,
        services: await whereaboutsIn(findEnvironment(project, environment, {}), services, found.id, checkout),
      };
    }),
  );
  const { id, pullRequest } = found;
  context.print(
    json ? JSON.stringify({ commit: id, pullRequest, services, environments }) : written(found, services, environments),
  );
}

function githubOfAny(project: Project, environments: readonly string[]) {
  const [first] = environments.flatMap((name) => project.stackFile(name).find("github")?.github ?? []);
  if (first !== undefined) return first;
  const [name] = environments;
  if (name === undefined) throw new CommandError("there are no stack files");
  return githubSettings(project.stackFile(name));
}

/** Each after the one that it gets its digests from. */
function inOrder(project: Project): readonly string[] {
  const origins = readOrigins(project);
  const rank = (name: string, passed: readonly string[] = []): number => {
    const from = origins.get(name);
    return from === undefined || passed.includes(name) ? 0 : 1 + rank(from, [...passed, name]);
  };
  return commonEnvironments(project).toSorted((one, other) => rank(one) - rank(other));
}

function written(
  { id, pullRequest }: FoundCommit,
  services: readonly string[],
  environments: readonly EnvironmentWhereabouts[],
): string {
  const what = `${pullRequest === null ? "" : `pull request #${pullRequest}, merged by `}${id.slice(0, 12)}`;
  if (services.length === 0) return `${what} concerns no image of a service`;
  const rows = environments.flatMap(({ environment, services: found }) =>
    found.map((one) => [environment, one.service, sentence(one)] as const),
  );
  const [first, second] = [0, 1].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return [
    `${what} concerns ${services.join(", ")}`,
    ...rows.map(([one, other, text]) => `${one.padEnd(first ?? 0)}  ${other.padEnd(second ?? 0)}  ${text}`),
  ].join("\n");
}

function sentence({ state, since, releaseCommit, sourceCommit }: Whereabouts): string {
  const by = releaseCommit === null ? "" : `, by ${shortCommit(releaseCommit)} of the deploy repository`;
  const running =
    sourceCommit === null ? "nothing of it runs" : `runs what was built from ${shortCommit(sourceCommit)}`;
  if (state === "there") return `since ${since}${by}`;
  if (state === "gone") return `no longer, since ${since}${by}: ${running}`;
  if (state === "not-yet") return `not yet: ${running}`;
  return sourceCommit === null
    ? "unknown: the record of what runs names no commit"
    : `unknown: ${shortCommit(sourceCommit)}, which runs, is not in this checkout`;
}
