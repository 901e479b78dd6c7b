import { existsSync, readFileSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { z } from "zod";
import { writeFileAtomically } from "../../core/atomic-file.ts";
import { programSettings, readStackFile, stackFilePath } from "../../stacks/stack-file.ts";
import { loadEndpoints } from "../machine/endpoints.ts";

const choiceSchema = z.strictObject({
  /** The root of the monorepo, an absolute path. */
  directory: z.string(),
  /** The stack file of the user's that counts; `undefined`: what `delivery init` would write. */
  stack: z.string().optional(),
  /** The commit of the monorepo that the source repository has; `undefined`: none yet. */
  imported: z.string().optional(),
});

/** The monorepo of the user's that a sandbox runs. */
export type Choice = z.infer<typeof choiceSchema>;

/** What the command line says of it. */
export interface ChoiceOptions {
  /** The root of a monorepo. */
  readonly app?: string | undefined;
  /** The name of a stack that has a file. */
  readonly stack?: string | undefined;
}

function fileOf(stateDir: string): string {
  return join(stateDir, "monorepo", "choice.json");
}

/** The monorepo that this sandbox runs; `undefined`: the example, or nothing yet. */
export function chosenMonorepo(stateDir: string): Choice | undefined {
  const file = fileOf(stateDir);
  return existsSync(file) ? choiceSchema.parse(JSON.parse(readFileSync(file, "utf8"))) : undefined;
}

export function saveChoice(stateDir: string, choice: Choice): void {
  writeFileAtomically(fileOf(stateDir), JSON.stringify(choice), 0o600);
}

/**
 * The monorepo that the sandbox is to run: what the command line says, or else what it runs already.
 * @returns `undefined`: the example
 * @throws Error if the sandbox runs another one, or the command line names none
 */
export function chooseMonorepo(stateDir: string, { app, stack }: ChoiceOptions): Choice | undefined {
  const known = chosenMonorepo(stateDir);
  if (app === undefined && stack === undefined) return known;
  if (app !== undefined && stack !== undefined)
    throw new Error(`--app and --stack exclude one another: ${stackFilePath(stack)} says where its monorepo is`);
  const chosen = stack === undefined ? { directory: directoryOf("--app", app ?? "") } : ofStackFile(stack);
  if (known === undefined) {
    if (loadEndpoints(stateDir) !== undefined)
      throw new Error("this sandbox runs the example; `npm run down` ends it, then run this again");
    return chosen;
  }
  if (known.directory !== chosen.directory || known.stack !== chosen.stack)
    throw new Error(`this sandbox runs ${describeChoice(known)}; \`npm run down\` ends it, then run this again`);
  return known;
}

/** For messages, e.g. `../shop`, or `../shop by stacks/Pulumi.dev.yaml`. */
export function describeChoice({ directory, stack }: Choice): string {
  const path = relative(process.cwd(), directory) || ".";
  return stack === undefined ? path : `${path} by ${stackFilePath(stack)}`;
}

function ofStackFile(stack: string): Choice {
  const file = stackFilePath(stack);
  if (!/^[A-Za-z0-9][\w.-]*$/.test(stack))
    throw new Error(`--stack ${JSON.stringify(stack)}: must be the name of a stack`);
  if (stack === "sandbox")
    throw new Error("--stack sandbox: that is the example's; leave --stack out, and `npm run up` runs it");
  if (!existsSync(file))
    throw new Error(
      `--stack ${stack}: there is no ${file}; \`npx delivery init --app DIR --env ${stack}\` writes it, or leave --stack out and give --app DIR`,
    );
  const app: unknown = programSettings(readStackFile(stack))["app"];
  const read = z.looseObject({ directory: z.string() }).safeParse(app);
  if (!read.success) throw new Error(`${file}: app.directory: set it to the root of the monorepo`);
  return { directory: directoryOf(`${file}: app.directory`, read.data.directory), stack };
}

function directoryOf(location: string, path: string): string {
  if (path === "") throw new Error(`${location}: set it to the root of a monorepo, e.g. ../shop`);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new Error(`${location} ${JSON.stringify(path)} does not exist`);
  if (!found.isDirectory()) throw new Error(`${location} ${JSON.stringify(path)} is no directory`);
  return resolve(path);
}
