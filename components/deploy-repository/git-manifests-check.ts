import { branchProblem, pathProblem, repositoryProblem } from "../../git/deploy-branch.ts";
import { ownerFile } from "../../git/directory-owner.ts";

/** What is wrong with one input, in the form of Pulumi's check. */
export interface InputProblem {
  readonly property: string;
  readonly reason: string;
}

/** The inputs as they arrive: anything, or unknown as yet. */
export interface UncheckedInputs {
  readonly repository: unknown;
  readonly branch: unknown;
  readonly directory: unknown;
  readonly files: unknown;
  readonly records: unknown;
}

/** What a preview can know is wrong, without any contact. Inputs that are not known yet pass. */
export function inputProblems({ repository, branch, directory, files, records }: UncheckedInputs): InputProblem[] {
  const problems: (readonly [property: string, reason: string | undefined])[] = [
    ["repository", isKnownText(repository) ? describeRepositoryProblem(repository) : undefined],
    ["branch", isKnownText(branch) ? branchProblem(branch) : undefined],
    ["directory", isKnownText(directory) ? pathProblem(directory) : undefined],
    ...pathsOf(files).map((path) => ["files", fileProblem(path, String(directory))] as const),
    ...pathsOf(records).map((path) => ["records", fileProblem(path, String(directory))] as const),
    ...pathsOf(records)
      .filter((path) => pathsOf(files).includes(path))
      .map(
        (path) => ["records", `${JSON.stringify(path)} is among the files, too; it can have one writer only`] as const,
      ),
  ];
  return problems.flatMap(([property, reason]) => (reason === undefined ? [] : [{ property, reason }]));
}

function describeRepositoryProblem(repository: string): string | undefined {
  const problem = repositoryProblem(repository);
  return problem === undefined ? undefined : `${JSON.stringify(withoutUser(repository))} ${problem}`;
}

function fileProblem(path: string, directory: string): string | undefined {
  if (!path.startsWith(`${directory}/`))
    return `${JSON.stringify(path)} lies outside of ${JSON.stringify(directory)}, the directory of this environment`;
  if (path === ownerFile(directory))
    return `${JSON.stringify(path)} is the name of the file that notes the owner; choose another one`;
  return pathProblem(path);
}

/** A value that only the update will know is this text, whatever its type will be. */
const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

function isKnownText(value: unknown): value is string {
  return typeof value === "string" && value !== unknownValue;
}

function pathsOf(map: unknown): string[] {
  return typeof map === "object" && map !== null ? Object.keys(map) : [];
}

function withoutUser(repository: string): string {
  return repository.replace(/^([a-z][a-z0-9+.-]*:\/\/)?[^/]*@/i, "$1***@");
}
