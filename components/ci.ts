import { CiProject, type CiProjectArgs } from "./circleci/ci-project.ts";
import { TektonCi, type TektonCiArgs } from "./tekton/tekton-ci.ts";

/** What a stack says of its CI to people and to other stacks, by the names of its outputs; only CircleCI has any. */
export interface CiOutputs {
  /** The CircleCI project, as `ci.projectSlug` of the other stacks has it. */
  readonly ciProject?: CiProject["projectSlug"];
  /** Where CircleCI finds the environment's credentials. */
  readonly ciContext?: CiProject["contextName"];
}

/** The engine that runs the pipeline, with what belongs to it. */
export type CiArgs =
  | { readonly engine: "circleci"; readonly project: CiProjectArgs }
  | { readonly engine: "tekton"; readonly cluster: TektonCiArgs }
  /** No provider exists for its account. */
  | { readonly engine: "travis" };

/** Declares what belongs to the engine that runs the pipeline. */
export function declareCi(name: string, args: CiArgs): CiOutputs {
  if (args.engine === "circleci") {
    const { projectSlug, contextName } = new CiProject(name, args.project);
    return { ciProject: projectSlug, ciContext: contextName };
  }
  if (args.engine === "tekton") new TektonCi(name, args.cluster);
  // Not as `undefined`: the engine warns of such outputs.
  return {};
}
