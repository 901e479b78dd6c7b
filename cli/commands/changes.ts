import { unclaimedDockerfiles } from "../../components/service/find-services.ts";
import { affectedServices, type AffectedServices } from "../affected/affected-services.ts";
import { readReleasedFrom } from "../affected/base-commit.ts";
import { defineCommand, type CommandContext } from "../command.ts";
import { environmentName, required, type OptionTable, type OptionValues } from "../options.ts";
import { environmentHelp, environmentOptions, findEnvironment } from "../project/environment.ts";
import { readCommonMonorepo, readMonorepo } from "../project/monorepo.ts";
import { Project } from "../project/stack-file.ts";

const options = {
  from: { value: "COMMIT", help: "the base: an id, a branch, …; one that is not known is no error" },
  to: { value: "COMMIT", default: "HEAD", help: "what it is compared with" },
  env: {
    value: "ENVIRONMENT",
    parse: environmentName,
    help: `each service since the commit that what runs there was built from, as its release record says, or since the one
      that a rollback took away; a service of which neither is known to be an ancestor of --to counts as changed. --from
      is for the services of which a watcher of the registry has released what runs: its records name no commit`,
  },
  json: {
    help: `print {"from", "to", "services": [{"name", "reason"}], "tests": […], "everything"}: \`tests\` has the services
      of which only the tests changed, \`everything\` says that no base was known`,
  },
  ...environmentOptions,
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "list the services that changed between two commits",
  description: [
    `Lists the services that changed between two commits of the monorepo, each with the reason: a file of its own, or one
    that it shares, by the imports of Go, the dependencies between packages of Node, its Dockerfile, or \`paths:\` in its
    service.yaml. What the ignore file of its Dockerfile excludes does not count. Where it is not known what a build reads,
    all that it has counts; where the base is not known, every service.`,
  ],
  usage: [
    "changes --from COMMIT [--to COMMIT] [OPTIONS]",
    "changes --env ENVIRONMENT [--from COMMIT] [--to COMMIT] [OPTIONS]",
  ],
  options,
  notes: [
    ...environmentHelp,
    `Without --env, all stack files must agree on where the services are. The services and what they import are read from
    the working tree: check out --to first.`,
  ],
  run,
});

async function run(flags: OptionValues<typeof options>, context: CommandContext): Promise<void> {
  const { env, to } = flags;
  // CI may have no base to give: the first push of a branch.
  const from = env === undefined && flags.from !== "" ? required("from", flags.from) : flags.from;
  const project = new Project();
  const monorepo = env === undefined ? readCommonMonorepo(project) : readMonorepo(project, env);
  const environment = env === undefined ? undefined : findEnvironment(project, env, flags);
  const releasedFrom =
    environment === undefined ? undefined : await readReleasedFrom(environment, isWatched(project, environment.name));
  const unclaimed = unclaimedDockerfiles(monorepo, monorepo.services);
  if (unclaimed !== undefined) context.note(`note: ${unclaimed}`);
  const changes = await affectedServices({ monorepo, from, to, releasedFrom, note: context.note });
  context.print(flags.json ? JSON.stringify(changes) : written(changes));
}

function isWatched(project: Project, name: string): boolean {
  return project.stackFile(name).read("gitops").gitops?.release === "registry-watch";
}

function written({ services, tests, everything }: AffectedServices): string {
  const width = Math.max(0, ...[...services, ...tests].map(({ name }) => name.length));
  return [
    ...(everything ? ["no base is known: every service counts as changed"] : []),
    ...services.map(({ name, reason }) => `${name.padEnd(width)}  ${reason}`),
    ...tests.map(({ name, reason }) => `${name.padEnd(width)}  only its tests: ${reason}`),
    ...(services.length + tests.length === 0 ? ["no service changed"] : []),
  ].join("\n");
}
