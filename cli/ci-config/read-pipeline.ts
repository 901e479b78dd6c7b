import { openSourceRepository, SourceRepositoryError } from "../../git/source-repository.ts";
import { stackSchema, type StackSettings } from "../../stacks/schema.ts";
import { CommandError } from "../command.ts";
import { readMonorepo, type Monorepo } from "../monorepo.ts";
import { readStackSettings } from "../stack-settings.ts";
import { readChain } from "./environment-chain.ts";
import type { Pipeline } from "./pipeline.ts";
import { programLayout } from "./program-layout.ts";

const neededSchema = stackSchema.pick({ ci: true, delivery: true, gitops: true, github: true });

/** The pipeline as if everything had changed, and where it belongs. */
export interface KnownPipeline {
  readonly pipeline: Pipeline;
  readonly monorepo: Monorepo;
  /** The root of the Git checkout that the monorepo is in. */
  readonly root: string;
  readonly settings: Pick<StackSettings, "ci" | "delivery" | "gitops" | "github">;
}

/** @throws CommandError with what is wrong in the stack files or the services, or if they are not where jobs find them */
export async function readPipeline(environment: string): Promise<KnownPipeline> {
  const { first, promotions } = readChain(environment);
  const file = `stacks/Pulumi.${environment}.yaml`;
  const monorepo = readMonorepo(environment);
  const settings = readStackSettings(environment, neededSchema);
  if (settings === undefined) throw new CommandError(`${file} has gone while it was read`);
  const { ci, gitops } = settings;
  const root = await checkoutOf(monorepo.root);
  if (root === undefined)
    throw new CommandError(
      `${file}: app.directory: ${JSON.stringify(monorepo.root)} is in no checkout of Git; CI checks it out of one`,
    );
  const layout = programLayout({
    program: process.cwd(),
    programRoot: await checkoutOf("."),
    sourceRoot: root,
    declared: ci.program,
    file,
  });
  const pipeline = {
    regenerate: `delivery ci-config --env ${environment}`,
    image: ci.image,
    layout,
    first,
    promotions,
    services: monorepo.services.map(({ name, test }) => ({ name, beside: test?.beside ?? [] })),
    testedOnly: [],
    releases: settings.delivery === "gitops" && gitops?.release !== "registry-watch",
    previewEnvironments: gitops?.previews !== undefined,
    previews: true,
  };
  return { pipeline, monorepo, root, settings };
}

async function checkoutOf(directory: string): Promise<string | undefined> {
  try {
    return (await openSourceRepository(directory)).root;
  } catch (error) {
    if (error instanceof SourceRepositoryError && /is in no checkout/.test(error.message)) return undefined;
    throw error;
  }
}
