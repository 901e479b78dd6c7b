import { CiProject, type CiProjectArgs } from "./ci-project.ts";

/** What a stack says of its CI to people and to other stacks. */
export type DeclaredCi = Partial<Pick<CiProject, "projectSlug" | "contextName">>;

/**
 * Declares what belongs to the engine that runs the pipeline.
 * @param args of CircleCI. @default another engine runs it, in whose account nothing is declared
 */
export function declareCi(name: string, args: CiProjectArgs | undefined): DeclaredCi {
  return args === undefined ? {} : new CiProject(name, args);
}
