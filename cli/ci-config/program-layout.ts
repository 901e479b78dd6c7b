import { existsSync } from "node:fs";
import { basename, join, relative, sep } from "node:path";
import { CommandError } from "../command.ts";

/** Where the program and the source are in a job, relative to its working directory unless it says otherwise. */
export interface ProgramLayout {
  /** This program, e.g. `.` or `deploy`. */
  readonly program: string;
  /** Where the program comes from, if it is not in the source's own repository, and the directory that it goes to. */
  readonly clone?:
    | { readonly repository: string; readonly ref?: string | undefined; readonly directory: string }
    | undefined;
  /** Where the source must be so that the program finds it. @default wherever CircleCI puts it */
  readonly workingDirectory?: string | undefined;
  /** Whether the source has submodules, which a checkout leaves empty. @default false */
  readonly submodules?: boolean | undefined;
}

/** Where jobs leave files for one another: outside of the checkout, which is the context of image builds. */
export const handOver = "../handed-over";

/** What jobs run of this program, and of its users' own rules, where its directory is that of the monorepo, too. */
export const programEntries: readonly string[] = [
  ".circleci",
  ".npmrc",
  "Pulumi.yaml",
  "circleci",
  "cli",
  "components",
  "core",
  "git",
  "index.ts",
  "kubernetes",
  "node_modules",
  "package-lock.json",
  "package.json",
  "policies",
  "policy",
  "sdks",
  "stacks",
  "tsconfig.json",
];

export interface LayoutArgs {
  /** The program's directory. */
  readonly program: string;
  /** The root of the Git checkout that the program is in, if any. */
  readonly programRoot: string | undefined;
  /** The root of the Git checkout that the monorepo is in. */
  readonly sourceRoot: string;
  /** Where the stack file says that the program is: `ci.program`. */
  readonly declared: { readonly repository: string; readonly ref?: string | undefined } | undefined;
  /** The stack file, for messages. */
  readonly file: string;
}

/** @throws CommandError if jobs could not find the program, or not call it */
export function programLayout(args: LayoutArgs): ProgramLayout {
  const layout = layoutOf(args);
  const [character] = /['"`$\\<\n]/.exec(layout.program) ?? [];
  if (character !== undefined)
    throw new CommandError(
      `the program would be in ${JSON.stringify(layout.program)} in CI, and the shells of its jobs do not take ${JSON.stringify(character)} in a path; rename that directory`,
    );
  return existsSync(join(args.sourceRoot, ".gitmodules")) ? { ...layout, submodules: true } : layout;
}

function layoutOf({ program, programRoot, sourceRoot, declared, file }: LayoutArgs): ProgramLayout {
  if (programRoot === sourceRoot) {
    if (declared !== undefined)
      throw new CommandError(
        `${file}: ci.program: the program is in the repository of the monorepo (${sourceRoot}), where jobs find it; remove ci.program`,
      );
    return { program: relative(sourceRoot, program) || "." };
  }
  if (declared === undefined)
    throw new CommandError(
      `the program (${program}) is not in the Git repository of the monorepo (${sourceRoot}), so jobs would not find it; move it there, or set ci.program in ${file} to the program's own repository: {repository: https://…}`,
    );
  if (programRoot === undefined)
    throw new CommandError(
      `the program (${program}) is in no checkout of Git, so it is not known where in ${declared.repository} it is; run this in a clone of that`,
    );
  return siblingLayout(relative(programRoot, sourceRoot), relative(programRoot, program), declared);
}

/**
 * Where the program's checkout has to be for the same relative path to lead from it to the source as here.
 * @param path from the root of the program's checkout to that of the source
 * @param inside from the root of the program's checkout to the program
 */
function siblingLayout(
  path: string,
  inside: string,
  declared: { readonly repository: string; readonly ref?: string | undefined },
): ProgramLayout {
  const down = path.split(sep).filter((part) => part !== "..");
  const ups = path.split(sep).length - down.length;
  if (ups === 0 || down.length === 0)
    throw new CommandError(
      `the checkouts of the program and of the monorepo are one inside of the other (${path} leads from one to the other); put them beside each other`,
    );
  const name = basename(declared.repository).replace(/\.git$/, "");
  const [first, ...rest] = [...Array.from({ length: ups - 1 }, () => "programs"), name];
  const location = first === down[0] ? [`${first}-program`, ...rest] : [first, ...rest];
  const directory = join(...down.map(() => ".."), ...location);
  return {
    program: join(directory, inside),
    clone: { ...declared, directory },
    workingDirectory: `~/${down.join("/")}`,
  };
}
