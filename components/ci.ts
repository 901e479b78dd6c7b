import { CiProject, type CiProjectArgs } from "./circleci/ci-project.ts";
import { TektonCi, type TektonCiArgs } from "./tekton/tekton-ci.ts";

/** What a stack says of its CI to people and to other stacks. */
export type DeclaredCi = Partial<Pick<CiProject, "projectSlug" | "contextName">>;

/** The engine that runs the pipeline, with what belongs to it. */
export type CiArgs =
  | { readonly engine: "circleci"; readonly project: CiProjectArgs }
  | { readonly engine: "tekton"; readonly cluster: TektonCiArgs }
  /** No provider exists for its account. */
  | { readonly engine: "travis" };

/** Declares what belongs to the engine that runs the pipeline. */
export function declareCi(name: string, args: CiArgs): DeclaredCi {
  if (args.engine === "circleci") return new CiProject(name, args.project);
  if (args.engine === "tekton") new TektonCi(name, args.cluster);
  return {};
}
