import { readBranch } from "../../git/deploy-repository.ts";
import { readRecords } from "../../git/records.ts";
import { CommandError, defineCommand, type CommandContext } from "../command.ts";
import { githubHelp, githubOptions, githubSettings } from "../github/access.ts";
import { openGitHubRefs } from "../github/refs.ts";
import { environmentName, type OptionTable, type OptionValues } from "../options.ts";
import { environmentHelp, environmentOptions, findEnvironment } from "../project/environment.ts";
import { readMonorepo } from "../project/monorepo.ts";
import { Project } from "../project/stack-file.ts";
import { assertServicesKnown } from "../release/unknown-services.ts";
import { tagServices, type ServiceVersion } from "../version-tags/tag-services.ts";

const options = {
  env: {
    value: "ENVIRONMENT",
    parse: environmentName,
    required: true,
    help: "what runs there gets versions; its stack file has github.versionTags",
  },
  service: { value: "NAME", multiple: true, help: "only this service; once per service", defaultText: "all" },
  json: { help: "print the result as JSON" },
  ...environmentOptions,
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "give what an environment runs a version each",
  description: [
    `Gives the commit that each service of an environment was built from a tag in the monorepo, such as link/v1.4.0: the
    version after the newest before it, by the Conventional Commits since then that concern the service. A breaking change
    raises the first number, a feature the second, anything else the third; below 1.0.0, a breaking change raises the second,
    until a person gives the tag of v1.0.0. The first version is 0.1.0.`,
    `A commit that has a version of the service keeps it, and a tag is never moved: to run this again changes nothing. What is
    older than a version, as after a rollback, gets none, nor does what has yet to prove itself (verify). The pipeline that
    ci-config writes calls it after each release.`,
  ],
  usage: ["tag --env ENVIRONMENT [--service NAME …] [OPTIONS]"],
  options,
  notes: [
    ...environmentHelp,
    `Tags are read with Git's own credentials, or without any by GitHub's API. ${githubHelp} To make tags, it needs the permission to write contents of the
    monorepo.`,
  ],
  run,
});

async function run(flags: OptionValues<typeof options>, context: CommandContext): Promise<void> {
  const { env, service: named, json } = flags;
  const project = new Project();
  const file = project.stackFile(env);
  const settings = githubSettings(file);
  if (!settings.versionTags)
    throw new CommandError(`${file.path}: github.versionTags is not set: what runs in ${env} gets no versions`);
  const environment = findEnvironment(project, env, flags);
  const records = await readBranch(environment, (snapshot) => readRecords(snapshot, environment.directory));
  assertServicesKnown(environment, records, named ?? []);
  const chosen = new Map([...records].filter(([name]) => named?.includes(name) ?? true));
  const versions = await tagServices({
    monorepo: readMonorepo(project, env),
    records: chosen,
    refs: openGitHubRefs(githubOptions(settings, context)),
  });
  context.print(json ? JSON.stringify({ environment: env, versions }) : versions.map(written).join("\n"));
}

function written({ service, tag, commit, created, reason }: ServiceVersion): string {
  if (tag === null) return `${service}: no version: ${reason}`;
  return `${service}: ${tag} ${created ? "is made at" : "is at"} ${commit?.slice(0, 12)}`;
}
