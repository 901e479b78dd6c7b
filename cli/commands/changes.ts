import { affectedServices, type AffectedServices } from "../affected/affected-services.ts";
import { readReleasedFrom } from "../affected/base-commit.ts";
import { parseOptions, required, type Command, type CommandContext } from "../command.ts";
import { environmentHelp, environmentOptions, findEnvironment } from "../project/environment.ts";
import { readCommonMonorepo, readMonorepo } from "../project/monorepo.ts";
import { Project } from "../project/stack-file.ts";

const help = `Lists the services that changed between two commits of the monorepo, each with the reason: a file of its own, or
one that it shares, by the imports of Go, the dependencies between packages of Node, its Dockerfile, or \`paths:\` in
its service.yaml. Documentation (*.md, docs/) and what the ignore file of its Dockerfile excludes do not count. Where
the base is not known, every service counts as changed.

Usage: npx delivery changes --from COMMIT [--to COMMIT] [OPTIONS]
       npx delivery changes --env ENVIRONMENT [--from COMMIT] [--to COMMIT] [OPTIONS]

  --from COMMIT        the base: an id, a branch, …; one that is not known is no error
  --to COMMIT          what it is compared with      (default: HEAD)
  --env ENVIRONMENT    each service since the commit that what runs there was built from, as its release record
                       says, or since the one that a rollback took away; a service of which neither is known to be an
                       ancestor of --to counts as changed. --from is for the services of which a watcher of the
                       registry has released what runs: its records name no commit
  --json               print {"from", "to", "services": [{"name", "reason"}], "tests": […], "everything"}: \`tests\`
                       has the services of which only the tests changed, \`everything\` says that no base was known
${environmentHelp}

Without --env, all stack files must agree on where the services are. The services and what they import are read from
the working tree: check out --to first.`;

export const command: Command = { summary: "list the services that changed between two commits", help, run };

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions(args, {
    ...environmentOptions,
    env: { type: "string" },
    from: { type: "string" },
    to: { type: "string", default: "HEAD" },
    json: { type: "boolean" },
  });
  // CI may have no base to give: the first push of a branch.
  const from = options.env === undefined && options.from !== "" ? required("from", options.from) : options.from;
  const project = new Project();
  const monorepo = options.env === undefined ? readCommonMonorepo(project) : readMonorepo(project, options.env);
  const environment = options.env === undefined ? undefined : findEnvironment(project, options.env, options);
  const releasedFrom =
    environment === undefined ? undefined : await readReleasedFrom(environment, isWatched(project, environment.name));
  const changes = await affectedServices({ monorepo, from, to: options.to, releasedFrom, note: context.note });
  context.print(options.json === true ? JSON.stringify(changes) : written(changes));
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
