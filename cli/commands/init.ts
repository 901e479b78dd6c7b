import { existsSync, lstatSync, mkdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { createPatch } from "diff";
import { writeFileAtomically } from "../../core/atomic-file.ts";
import { problemLine } from "../../core/problem.ts";
import { ciEngines } from "../../stacks/ci-schema.ts";
import { CommandError, defineCommand, type CommandContext } from "../command.ts";
import { acceptance } from "../project/acceptance.ts";
import { Project } from "../project/stack-file.ts";
import { acceptedGuess } from "../init/accepted-guess.ts";
import type { Guess } from "../init/guess.ts";
import { needs, type Need } from "../init/needs.ts";
import { ask, readRepository, type Repository } from "../init/repository.ts";
import { directoryFrom, placeholderId, type EnvironmentPlace, type Following } from "../init/stack-text.ts";
import { environmentName, oneOf, UsageError, type OptionTable, type OptionValues } from "../options.ts";

const options = {
  app: {
    value: "DIR",
    help: "the root of the monorepo",
    defaultText: "the checkout that this program is in, unless it is the root of that",
  },
  env: {
    value: "ENVIRONMENT",
    parse: environmentName,
    default: "dev",
    help: "the environment, which the stack is named after",
  },
  engine: {
    value: "NAME",
    parse: oneOf(...ciEngines),
    help: `what runs the pipeline: ${ciEngines.join(", ")}`,
    defaultText: "that of the environment before, or circleci",
  },
  print: { help: "print the stack file instead" },
  check: { help: "write nothing, and say what is missing: exit status 0 if nothing is, else 1" },
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "look over a repository and write its stack file",
  description: [
    `Looks over a monorepo and writes the stack file stacks/Pulumi.ENVIRONMENT.yaml: all that a Dockerfile can be built of is a
    service; names, build contexts, ports, dependencies, tests and the image for CI are guessed, from Dockerfiles, from files
    of Compose and Kubernetes, and from code. A comment says what is guessed, and from what; what is left out is listed with
    the reason. What Git does not know or ignores does not count.`,
    `Where another stack file of the same monorepo owns what environments share, that of a further one is written: it promotes from
    the last environment before it, and has a branch of its own in the deploy repository.`,
    `A stack file that is there is never overwritten: then the difference to what would be written is shown, and one of another
    monorepo is an error.`,
  ],
  usage: ["init [--app DIR] [--env ENVIRONMENT] [--engine NAME] [--print | --check]"],
  options,
  run,
});

async function run(flags: OptionValues<typeof options>, context: CommandContext): Promise<void> {
  if (flags.print && flags.check) throw new UsageError("--print and --check exclude one another");
  const root = flags.app ?? (await enclosingMonorepo());
  if (!existsSync(root)) throw new UsageError(`--app ${JSON.stringify(root)} does not exist`);
  if (!statSync(root).isDirectory()) throw new UsageError(`--app ${JSON.stringify(root)} is no directory`);
  const repository = await readRepository(root);
  const file = `stacks/Pulumi.${flags.env}.yaml`;
  const present = flags.print ? undefined : readPresent(file);
  if (present === undefined && !/^[a-z]([-a-z0-9]{0,20}[a-z0-9])?$/.test(flags.env))
    throw new UsageError(`--env ${JSON.stringify(flags.env)} must be 1 to 22 lower case letters, digits and '-'`);
  const place = placeOf(flags, repository.root);
  const { guess, text, accepted } = acceptedGuess(repository, file, await programUrl(repository), new Map(), place);
  if (guess.services.length === 0)
    throw new CommandError(
      `${root}: Git knows no Dockerfile there of which a service can be made${guess.leftOut.map(({ path, reason }) => `\n       ${path}: ${reason}`).join("")}`,
    );
  if (flags.print) return context.print(text.trimEnd());
  if (present !== undefined) assertSameMonorepo(file, present, repository.root);
  const asked = { file, repository, environment: flags.env, first: place.follows?.owner };
  if (flags.check) return check({ ...asked, present }, guess, context);
  if (present === undefined) {
    mkdirSync("stacks", { recursive: true });
    writeFileAtomically(file, text);
    context.print(`wrote ${file}`);
    report(guess, context);
    for (const problem of accepted.problems) context.print(`to mend: ${problemLine(problem)}`);
    return reportNeeds(missing({ ...asked, present: text }), context);
  }
  if (present === text) return context.print(`${file} is what would be written`);
  context.print(createPatch(file, present, text, "as it is", "as it would be written").trimEnd());
  context.note(`${file} is there and stays as it is: take from the difference what fits`);
}

/** Whether the environment is the first of this monorepo, by the stack files that are there. @throws CommandError for invalid ones */
function placeOf(
  { env, engine }: Pick<OptionValues<typeof options>, "env" | "engine">,
  root: string,
): EnvironmentPlace {
  const project = new Project();
  const others = project.environments.flatMap((name) => {
    if (name === env) return [];
    const { app, owns, promotion, ci } = project.stackFile(name).read("app", "owns", "promotion", "ci");
    return realPath(app.directory) === realPath(root) ? [{ name, owns, from: promotion?.from, ci }] : [];
  });
  const owner = others.find(({ owns }) => owns.ciProject);
  if (owner === undefined) return { engine: engine ?? "circleci" };
  const last = (name: string, passed: readonly string[] = []): string => {
    const next = others.find((other) => other.from === name && !passed.includes(other.name));
    return next === undefined ? name : last(next.name, [...passed, name]);
  };
  return {
    engine: engine ?? owner.ci.engine,
    follows: {
      environment: env,
      owner: owner.name,
      from: last(owner.name),
      shared: sharedSettings(project, owner.name),
    },
  };
}

/** @throws CommandError for invalid ones */
function sharedSettings(project: Project, owner: string): Following["shared"] {
  const { app, images, gitops, ci } = project.stackFile(owner).read("app", "images", "gitops", "ci");
  const { organizationId } = ci;
  return {
    app: app.name,
    images,
    repository: gitops?.repository,
    organizationId: organizationId === placeholderId ? undefined : organizationId,
  };
}

/** @throws CommandError for what is there and is no file: it would be replaced, or cannot be read */
function readPresent(file: string): string | undefined {
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true)
    throw new CommandError(
      `${file} is ${found.isSymbolicLink() ? "a link that leads to no file" : "no file"}; remove it, or give another --env`,
    );
  return readFileSync(file, "utf8");
}

/** @throws CommandError for the stack file of another one, such as that of the example in a fresh clone of this program */
function assertSameMonorepo(file: string, text: string, root: string): void {
  const { directory } = Object(acceptance(file, text).given["app"]);
  if (typeof directory !== "string" || realPath(directory) === realPath(root)) return;
  throw new CommandError(
    `${file} is of the monorepo in ${directory}, not of ${root}, and stays as it is; remove it if nobody needs it, or give another --env`,
  );
}

/** @returns the path itself where nothing is there */
function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : resolve(path);
}

/** @throws UsageError if the program is in no other repository */
async function enclosingMonorepo(): Promise<string> {
  const checkout = await ask(".", ["rev-parse", "--show-toplevel"]);
  const inside = await ask(".", ["rev-parse", "--show-prefix"]);
  if (checkout === undefined || inside === undefined)
    throw new UsageError("--app is missing: the root of the monorepo, e.g. --app ../shop");
  return directoryFrom(process.cwd(), checkout);
}

/** @returns `undefined` where the program is in the monorepo's own repository */
async function programUrl({ checkout }: Repository): Promise<string | undefined> {
  if ((await ask(".", ["rev-parse", "--show-toplevel"])) === checkout) return undefined;
  const url = await ask(".", ["config", "--get", "remote.origin.url"]);
  return url?.replace(/^(?:ssh:\/\/)?git@([^:/]+)[:/]/, "https://$1/") ?? "https://github.com/acme/delivery.git";
}

function report({ services, leftOut }: Guess, { print }: CommandContext): void {
  print(`\n${services.length} ${services.length === 1 ? "service" : "services"}:`);
  for (const { name, language, settings, remarks } of services) {
    print(`  ${name}: ${[language, ...settings.map(({ text }) => text)].join(", ")}`);
    for (const remark of remarks) print(`    ${remark}`);
  }
  if (leftOut.length === 0) return;
  print("\nLeft out:");
  for (const { path, reason } of leftOut) print(`  ${path}: ${reason}`);
}

interface StackFileArgs {
  readonly file: string;
  /** What it says; `undefined`: it is not there. */
  readonly present: string | undefined;
  readonly repository: Repository;
  readonly environment: string;
  /** The one that the pipeline begins with. @default `environment` */
  readonly first: string | undefined;
}

/** @throws CommandError with all that is missing */
function check(args: StackFileArgs, guess: Guess, context: CommandContext): void {
  const { file, present, repository } = args;
  if (present === undefined)
    throw new CommandError(`there is no ${file}; \`npx delivery init --app ${repository.root}\` writes it`);
  const { services } = acceptance(file, present);
  const used = new Set(services.map(({ dockerfile }) => resolve(dockerfile)));
  // Whoever has taken one out knows why.
  for (const { name, dockerfile } of guess.services)
    if (services.length > 0 && !used.has(resolve(repository.root, dockerfile)))
      context.note(
        `note: no service is made of ${dockerfile}: \`${name}: { dockerfile: ${dockerfile} }\` in \`services\` does`,
      );
  const found = missing({ ...args, present });
  if (found.length === 0) return context.print(`${file} has all that a pipeline needs`);
  throw new CommandError(`missing:${found.map(({ what, how }) => `\n       ${what}: ${how}`).join("")}`);
}

function missing({ file, present = "", repository, environment, first }: StackFileArgs): Need[] {
  const { settings, services, problems, given } = acceptance(file, present);
  const wrong = problems.map(({ location, message }) => ({ what: location, how: message }));
  return settings === undefined
    ? wrong
    : [...wrong, ...needs({ settings, services, given, checkout: repository.checkout, environment, first })];
}

function reportNeeds(found: readonly Need[], { print }: CommandContext): void {
  print("\nMissing now:");
  for (const { what, how } of found) print(`  ${what}: ${how}`);
  print("\nThen `pulumi preview`; `npx delivery init --check` says what is still missing.");
}
