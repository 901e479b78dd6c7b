import { imageRepository } from "../../core/names.ts";
import { branchProblem, repositoryProblem, type DeployBranch } from "../../git/deploy-branch.ts";
import { CommandError } from "../command.ts";
import { environmentName, UsageError, type OptionTable, type OptionValues } from "../options.ts";
import { normalImageName } from "../../core/image-name.ts";
import type { Project } from "./stack-file.ts";

/** The options that say where an environment's deploy repository and images are. */
export const environmentOptions = {
  repository: {
    value: "URL",
    help: "the deploy repository",
    defaultText: "gitops.repository of the stack file",
  },
  branch: { value: "BRANCH", help: "its branch", defaultText: "gitops.branch of the stack file" },
  images: {
    value: "PREFIX",
    help: "what stands before -SERVICE in the names of images, e.g. docker.io/acme/shop",
    defaultText: "from images and app of the stack file",
  },
} as const satisfies OptionTable;

export const deployCredentialsHelp = `Credentials of the deploy repository: Git's own (SSH keys, credential helpers), or
  DELIVERY_GIT_TOKEN in the environment, with DELIVERY_GIT_USERNAME (default: x-access-token).`;

/** What else there is to know about these options. */
export const environmentHelp = [
  `The stack file of an environment is stacks/Pulumi.ENVIRONMENT.yaml in the current directory; it is not needed where
    --repository and --images are given.`,
  deployCredentialsHelp,
  `Of Git's configuration, only how servers are reached and who logs in there counts. Commits are made by
  GIT_COMMITTER_NAME and GIT_COMMITTER_EMAIL of the environment, or else gitops.committer of the stack file, or
  else \`delivery\`; with gitops.signing they are signed with the key in DELIVERY_SIGNING_KEY. Their author is the
  same, unless GIT_AUTHOR_NAME and GIT_AUTHOR_EMAIL say otherwise.`,
] as const;

/** One environment as the commands see it. */
export interface DeliveryEnvironment extends DeployBranch {
  readonly name: string;
  /** Its directory in the deploy repository. */
  readonly directory: string;
  /** The tag under which CI pushes for people, and whose build numbers follow it: `0.2` → `0.2.117`. */
  readonly stableTag: string | undefined;
  /** Whether Argo CD Image Updater follows the stable tag, whatever the release records say. @default false */
  readonly registryWatch?: boolean;
  /** The repository of a service's images, e.g. `docker.io/acme/shop-link`. */
  readonly imagesOf: (service: string) => string;
  /** Which of several waves of clusters it is, and the directory of the first one. @default there is one */
  readonly wave?: { readonly number: number; readonly firstDirectory: string } | undefined;
}

/** For people: which environment, and which wave of it. */
export function environmentTitle({
  name,
  wave,
}: {
  readonly name: string;
  readonly wave?: { readonly number: number } | undefined;
}): string {
  return wave === undefined ? name : `${name}, wave ${wave.number}`;
}

export type EnvironmentFlags = Partial<OptionValues<typeof environmentOptions>>;

/**
 * @throws UsageError for impossible options
 * @throws CommandError for a stack file that is missing or invalid, or says nothing of the deploy repository
 */
export function findEnvironment(project: Project, name: string, flags: EnvironmentFlags): DeliveryEnvironment {
  environmentName(name, "env");
  const stack = readStack(project, name, flags.repository !== undefined && flags.images !== undefined);
  const repository = flags.repository ?? stack?.gitops?.repository;
  if (repository === undefined)
    throw new CommandError(`stacks/Pulumi.${name}.yaml: gitops.repository is missing; set it, or give --repository`);
  const branch = flags.branch ?? stack?.gitops?.branch ?? "main";
  const problem = repositoryProblem(repository);
  if (problem !== undefined) throw new UsageError(`the URL of the deploy repository ${problem}`);
  if (branchProblem(branch) !== undefined) throw new UsageError(`--branch: ${branchProblem(branch)}`);
  const { images: prefix } = flags;
  return {
    name,
    repository,
    branch,
    committer: stack?.gitops?.committer,
    signing: stack?.gitops?.signing && { keys: stack.gitops.signing.keys, others: stack.gitops.signing.others },
    directory: stack?.environment ?? name,
    stableTag: stack?.images.tag,
    registryWatch: stack?.gitops?.release === "registry-watch",
    imagesOf: (service) => {
      const declared = stack && imageRepository(stack.images, stack.app.name, service);
      if (prefix !== undefined) return namedImages(prefix, service, declared);
      if (declared === undefined) throw new UsageError("--images is missing");
      return declared;
    },
  };
}

/** @param declared the name that the manifests have, however they write it */
function namedImages(prefix: string, service: string, declared: string | undefined): string {
  const name = normalImageName(`${prefix}-${service}`);
  if (name === undefined)
    throw new UsageError(
      `--images ${JSON.stringify(prefix)}: ${prefix}-${service} is not the name of a repository of images; write e.g. docker.io/acme/shop, in lower case, without a tag or https://`,
    );
  return declared !== undefined && normalImageName(declared) === name ? declared : name;
}

function readStack(project: Project, name: string, dispensable: boolean) {
  const file = project.stackFile(name);
  const settings = file.find("environment", "app", "images", "gitops");
  if (settings !== undefined || dispensable) return settings;
  throw new CommandError(
    `there is no ${file.path} in ${process.cwd()}; run this where the stack files are, or give --repository and --images`,
  );
}
