import { openSourceRepository, SourceRepositoryError } from "../../git/source-repository.ts";
import { stackSchema, type StackSettings } from "../../stacks/schema.ts";
import { CommandError } from "../command.ts";
import { readMonorepo, type Monorepo } from "../monorepo.ts";
import { readStackSettings } from "../stack-settings.ts";
import { readChain, type EnvironmentChain } from "./environment-chain.ts";
import type { Pipeline } from "./pipeline.ts";
import { readPreviewOwners, refuseSharedPreviews } from "./preview-owners.ts";
import { programLayout, type ProgramLayout } from "./program-layout.ts";

const neededSchema = stackSchema.pick({ ci: true, delivery: true, gitops: true, github: true });

/** What the stack files and the services say. */
export interface Declarations {
  readonly chain: EnvironmentChain;
  readonly monorepo: Monorepo;
  readonly settings: Pick<StackSettings, "ci" | "delivery" | "gitops" | "github">;
}

/** The pipeline as if everything had changed, and where it belongs. */
export interface KnownPipeline extends Declarations {
  readonly pipeline: Pipeline;
  /** The root of the Git checkout that the monorepo is in. */
  readonly root: string;
}

/** @throws CommandError with what is wrong in the stack files or the services, or if they are not where jobs find them */
export async function readPipeline(environment: string): Promise<KnownPipeline> {
  const declarations = readDeclarations(environment);
  const { monorepo, settings } = declarations;
  const root = await checkoutOf(monorepo.root);
  if (root === undefined)
    throw new CommandError(
      `${monorepo.file}: app.directory: ${JSON.stringify(monorepo.root)} is in no checkout of Git; CI checks it out of one`,
    );
  const layout = programLayout({
    program: process.cwd(),
    programRoot: await checkoutOf("."),
    sourceRoot: root,
    declared: settings.ci.program,
    file: monorepo.file,
  });
  return { ...declarations, pipeline: pipelineOf(declarations, layout), root };
}

/** @throws CommandError with what is wrong in the stack files or the services */
export function readDeclarations(environment: string): Declarations {
  const chain = readChain(environment);
  refuseSharedPreviews(readPreviewOwners());
  const monorepo = readMonorepo(environment);
  const settings = readStackSettings(environment, neededSchema);
  if (settings === undefined) throw new CommandError(`${monorepo.file} has gone while it was read`);
  return { chain, monorepo, settings };
}

export function pipelineOf({ chain, monorepo, settings }: Declarations, layout: ProgramLayout): Pipeline {
  const { ci, delivery, gitops } = settings;
  return {
    ...chain,
    regenerate: `delivery ci-config --env ${chain.first.name}`,
    image: ci.image,
    layout,
    services: monorepo.services.map(({ name, test }) => ({ name, beside: test?.beside ?? [] })),
    testedOnly: [],
    releases: delivery === "gitops" && gitops?.release !== "registry-watch",
    previews: true,
    previewEnvironments: gitops?.previews !== undefined,
  };
}

async function checkoutOf(directory: string): Promise<string | undefined> {
  try {
    return (await openSourceRepository(directory)).root;
  } catch (error) {
    if (error instanceof SourceRepositoryError && /is in no checkout/.test(error.message)) return undefined;
    throw error;
  }
}
