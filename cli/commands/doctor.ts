import { circleCiHost, circleCiTokenVariable } from "../../circleci/api.ts";
import { contextName } from "../../core/names.ts";
import { errorMessage } from "../../core/error.ts";
import { CommandError, defineCommand, type CommandContext } from "../command.ts";
import { accountWallFindings } from "../doctor/account-walls.ts";
import { declaredWallFindings } from "../doctor/declared-walls.ts";
import { receiverFindings, receiverReach } from "../doctor/receiver-walls.ts";
import { readReach, type Reach } from "../doctor/reach.ts";
import { countFindings, doctorText, type Finding } from "../doctor/report.ts";
import { environmentName, type OptionTable, type OptionValues } from "../options.ts";
import { Project } from "../project/stack-file.ts";

const options = {
  env: {
    value: "ENVIRONMENT",
    parse: environmentName,
    required: true,
    help: "the first environment, which gets what is merged; those that promote from it follow",
  },
  json: { help: "print JSON" },
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "show who can reach which secret of CI, and what is open",
  description: [
    `Lists CircleCI's contexts with who gets them, the secrets that they hold and the jobs that use them, from the stack files
    alone, and names walls that are open or lower than they could be, each with the way out. With ${circleCiTokenVariable} in the environment,
    it also asks CircleCI whether the contexts, their restrictions and the project's settings really are so. Where comments
    change environments (github.commands), it says what \`delivery serve\` holds, and who has it act. Changes nothing.`,
    {
      error:
        "what a pull request may run reaches what only what is merged is to have, or jobs do not get what they need",
      warning: "a wall is lower than it could be",
    },
  ],
  usage: ["doctor --env ENVIRONMENT [--json]"],
  options,
  notes: [
    "Exit status: 0 no errors, maybe warnings; 1 errors, or a stack file is wrong, or CircleCI refuses to answer; 2 the command line is wrong.",
  ],
  run,
});

async function run(flags: OptionValues<typeof options>, context: CommandContext): Promise<void> {
  const project = new Project();
  const reach = readReach(project, flags.env);
  const token = context.environment[circleCiTokenVariable] ?? "";
  const engine = reach.environments[0]?.ci.engine ?? "circleci";
  const account =
    token === "" || engine !== "circleci" ? undefined : await askAccount(project, reach, token, context.signal);
  const findings = [...declaredWallFindings(reach), ...receiverFindings(reach), ...(account?.findings ?? [])].toSorted(
    byLevel,
  );
  const { app, contexts } = reach;
  const report = { app, engine, contexts, receiver: receiverReach(reach), findings, asked: account?.answered ?? false };
  context.print(flags.json ? JSON.stringify(report, undefined, 2) : doctorText(report));
  if (findings.some(({ level }) => level === "error")) throw new CommandError(`${app}: ${countFindings(findings)}`);
}

/** Where CircleCI does not answer, that is an error, and what the files say is worth reading all the same. */
async function askAccount(
  project: Project,
  reach: Reach,
  token: string,
  signal: AbortSignal,
): Promise<{ answered: boolean; findings: Finding[] }> {
  const host = reach.environments[0]?.ci.host ?? circleCiHost;
  try {
    const findings = await accountWallFindings(reach, contextsOfApp(project, reach.app), { host, token }, signal);
    return { answered: true, findings };
  } catch (error) {
    const message = `cannot be asked: ${errorMessage(error)}`;
    return { answered: false, findings: [{ level: "error", location: "CircleCI", message }] };
  }
}

/** The contexts of all environments of the app, those of other chains, too. */
function contextsOfApp(project: Project, app: string): string[] {
  return project.environments.flatMap((name) => {
    const { environment = name, app: own } = project.stackFile(name).read("environment", "app");
    return own.name === app ? [contextName(app, environment)] : [];
  });
}

function byLevel(one: Finding, other: Finding): number {
  return one.level.localeCompare(other.level);
}
