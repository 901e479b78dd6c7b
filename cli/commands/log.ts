import { changelogMarkdown, changelogText, type Links } from "../changelog/output.ts";
import { changesOfServices, type CommitRange, type ServiceChanges } from "../changelog/service-changes.ts";
import { promotedRanges } from "../changelog/promoted-ranges.ts";
import { CommandError, defineCommand, type CommandContext } from "../command.ts";
import { webLinks } from "../github/web.ts";
import { environmentName, required, UsageError, type OptionTable, type OptionValues } from "../options.ts";
import { environmentHelp, environmentOptions, findEnvironment } from "../project/environment.ts";
import { commonEnvironments, readCommonMonorepo, readMonorepo, type Monorepo } from "../project/monorepo.ts";
import { Project } from "../project/stack-file.ts";

const options = {
  service: { value: "NAME", multiple: true, help: "only this service; once per service", defaultText: "all" },
  from: { value: "COMMIT", help: "what is there already" },
  to: { value: "COMMIT", help: "what is looked at", defaultText: "HEAD" },
  env: {
    value: "FROM..TO",
    parse: environments,
    help: `what a promotion would bring, e.g. staging..prod: the commits of what FROM runs, without those of what TO runs, as
      their release records say; one alone, with --from, is the environment whose stack file counts`,
  },
  markdown: { help: "print Markdown, as in the pull request of a promotion" },
  json: { help: "print the result as JSON" },
  ...environmentOptions,
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "list the commits that concern a service",
  description: [
    `Lists the commits that change a service's image between two commits of the monorepo, or between what two environments
    run: by the same rules as \`changes\`, of the working tree. They are grouped by Conventional Commits where messages keep to
    that, with the pull requests that brought them, by the messages that GitHub gives those.`,
  ],
  usage: [
    "log --from COMMIT [--to COMMIT] [--service NAME …] [OPTIONS]",
    "log --env FROM..TO [--service NAME …] [OPTIONS]",
  ],
  options,
  notes: [...environmentHelp, "Without --env, all stack files must agree on where the services are."],
  run,
});

/** Characters of a page that people still read. */
const markdownLimit = 60_000;

async function run(flags: OptionValues<typeof options>, context: CommandContext): Promise<void> {
  const { env, service: named, json, markdown } = flags;
  if (env?.from !== undefined && (flags.from !== undefined || flags.to !== undefined))
    throw new UsageError("two environments do not go with --from or --to");
  if (json && markdown) throw new UsageError("--json does not go with --markdown");
  const project = new Project();
  const monorepo = env === undefined ? readCommonMonorepo(project) : readMonorepo(project, env.to);
  const [linking] = env === undefined ? commonEnvironments(project) : [env.to];
  const ranges =
    env?.from === undefined
      ? commitRanges(monorepo, required("from", flags.from), flags.to ?? "HEAD", named)
      : await promotedRanges(findEnvironment(project, env.from, flags), findEnvironment(project, env.to, flags), named);
  const changes = await changesOfServices(monorepo, ranges);
  const links = linking === undefined ? undefined : webLinks(project.stackFile(linking).find("github")?.github);
  context.print(written(changes, links, { json, markdown }));
}

function written(
  changes: readonly ServiceChanges[],
  links: Links,
  { json, markdown }: { json: boolean; markdown: boolean },
): string {
  if (json) return JSON.stringify({ services: changes });
  // Of all services, most have not changed.
  const shown = changes.filter((one) => one.unknown !== null || one.changes.length + one.takenBack.length > 0);
  if (shown.length === 0) return "no commit concerns a service";
  return markdown ? changelogMarkdown(shown, links, markdownLimit) : changelogText(shown, links);
}

function commitRanges(
  { services, root }: Monorepo,
  from: string,
  to: string,
  named: readonly string[] | undefined,
): CommitRange[] {
  const unknown = named?.filter((name) => services.every((service) => service.name !== name)) ?? [];
  if (unknown.length > 0)
    throw new CommandError(
      `there is no service ${unknown.map((name) => JSON.stringify(name)).join(", ")} in ${root}: there are ${services.map(({ name }) => name).join(", ")}`,
    );
  return services.filter(({ name }) => named?.includes(name) ?? true).map(({ name }) => ({ service: name, from, to }));
}

function environments(text: string, option: string): { readonly from?: string; readonly to: string } {
  if (!text.includes("..")) return { to: environmentName(text, option) };
  const [from = "", to = "", ...more] = text.split("..");
  if (from === "" || to === "" || more.length > 0)
    throw new UsageError(`--${option} ${JSON.stringify(text)}: must be two environments such as staging..prod`);
  if (from === to) throw new UsageError(`--${option} ${JSON.stringify(text)}: both environments are ${from}`);
  return { from: environmentName(from, option), to: environmentName(to, option) };
}
