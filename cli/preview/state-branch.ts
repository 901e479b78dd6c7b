import { readFile } from "node:fs/promises";
import type { DeployBranch } from "../../git/deploy-branch.ts";
import { commitToBranch, readBranch, type CommitResult } from "../../git/deploy-repository.ts";
import { gitAt } from "../../git/git-command.ts";
import { stackSchema } from "../../stacks/schema.ts";
import { CommandError } from "../command.ts";
import { readStackSettings } from "../project/stack-file.ts";
import { shortName, stackFilePath } from "../pulumi/project.ts";
import type { PublishedState } from "./safe-preview.ts";
import { stateSchema, type ScrubbedState } from "./scrubbed-state.ts";
import { accessesToRead, accessToWrite, logIn, type SourceAccess } from "./source-access.ts";

/** Where the scrubbed states are, in the monorepo's repository, which pull requests of forks can read. */
export const stateBranch = "delivery-state";

const fileOf = (stack: string): string => `${shortName(stack)}.json`;

/** A file on the branch changes only when the state does: every line of it is in a fixed place. */
export function stateText(state: ScrubbedState): string {
  return `${JSON.stringify(state, undefined, 1)}\n`;
}

/** Puts the scrubbed state of a stack on the branch, by a commit that starts no pipeline. */
export async function publishState(stack: string, state: ScrubbedState): Promise<CommitResult> {
  const { repository, login } = accessToWrite(await sourceUrl(stack), process.env);
  using _login = logIn(login);
  return await commitToBranch({ repository, branch: stateBranch }, async () => ({
    write: { [fileOf(stack)]: stateText(state) },
    message: `state(${shortName(stack)}): for previews without credentials [skip ci]\n`,
  }));
}

/**
 * Reads the scrubbed state of a stack from the branch, with no more of a login than that takes. What keeps it from that is
 * no error. To be called before any code of a pull request runs in this process.
 */
export async function readPublishedState(stack: string): Promise<PublishedState> {
  const reasons: string[] = [];
  for (const access of accessesToRead(await sourceUrl(stack), process.env)) {
    try {
      return await readStateAs(access, fileOf(stack));
    } catch (error) {
      if (error instanceof CommandError) throw error;
      const [reason = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
      reasons.push(reason);
    }
  }
  // What was said to the one who may the most.
  return { state: undefined, source: reasons.at(-1) ?? "" };
}

async function readStateAs({ repository, login }: SourceAccess, file: string): Promise<PublishedState> {
  using _login = logIn(login);
  const target: DeployBranch = { repository, branch: stateBranch };
  const text = await readBranch(target, async (snapshot) => (await snapshot.read([file])).get(file));
  if (text === undefined)
    return {
      state: undefined,
      source: `branch ${stateBranch} has no ${file}; \`delivery publish-state\` writes it`,
    };
  return { state: parseState(`${file} on branch ${stateBranch}`, text), source: `branch ${stateBranch}` };
}

/** @throws CommandError if it cannot be read, or is no state */
export async function readStateFile(file: string): Promise<PublishedState> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new CommandError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  });
  return { state: parseState(file, text), source: file };
}

function parseState(place: string, text: string): ScrubbedState {
  const json = ((): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      return undefined;
    }
  })();
  const parsed = stateSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new CommandError(`${place} is no scrubbed state; write it with \`delivery publish-state\``);
}

const neededSchema = stackSchema.pick({ app: true, github: true });

/** The monorepo's repository: where its checkout is from, or else as the stack file says. It may have a login in it. */
async function sourceUrl(stack: string): Promise<string> {
  const settings = readStackSettings(shortName(stack), neededSchema);
  if (settings === undefined)
    throw new CommandError(
      `there is no ${stackFilePath(stack)} in ${process.cwd()}; run this in the program's directory`,
    );
  const { app, github } = settings;
  const origin = await gitAt(app.directory)(["config", "--get", "remote.origin.url"]).then(
    (output) => output.toString().trim(),
    () => "",
  );
  if (origin !== "") return origin;
  if (github !== undefined) return `https://github.com/${github.repository}.git`;
  throw new CommandError(
    `the monorepo's repository is not known: ${app.directory} has no remote \`origin\`, and the stack file no github.repository`,
  );
}
