import { stackSchema } from "../../stacks/schema.ts";
import { CommandError } from "../command.ts";
import { readStackSettings } from "../stack-settings.ts";
import { readOrigins, startOf } from "./environment-chain.ts";

/** A stack file that declares preview environments. */
export interface PreviewOwner {
  /** The name of the stack. */
  readonly name: string;
  readonly app: string;
  /** The deploy repository. */
  readonly repository: string;
  readonly branch: string;
  /** The first of the environments that it follows, or itself. */
  readonly first: string;
}

/**
 * The names of preview environments hold that of the app, and none of the environment that they are made after: with two
 * owners, one would overwrite what the other has made. The same app may have them twice in worlds that have nothing to do
 * with one another, such as a sandbox.
 * @throws CommandError if two stack files declare the same ones
 */
export function refuseSharedPreviews(owners: readonly PreviewOwner[]): void {
  const [pair] = owners.flatMap((one, index) =>
    owners.slice(index + 1).flatMap((other) => (clash(one, other) ? [[one, other] as const] : [])),
  );
  if (pair === undefined) return;
  const [one, other] = pair;
  const files = `stacks/Pulumi.${one.name}.yaml and stacks/Pulumi.${other.name}.yaml: gitops.previews`;
  if (one.app !== other.app)
    throw new CommandError(
      `${files}: ${one.app} and ${other.app} would write the same directories previews/pr-NUMBER to branch ${one.branch} of ${one.repository}; set another gitops.branch or gitops.repository in one of the two files, or remove gitops.previews from it`,
    );
  const remedy =
    one.first === other.first
      ? `declare it in stacks/Pulumi.${one.first}.yaml alone, the environment that CI makes them after`
      : "remove it from one of the two files";
  throw new CommandError(`${files}: both would make the same preview environments ${one.app}-pr-NUMBER; ${remedy}`);
}

function clash(one: PreviewOwner, other: PreviewOwner): boolean {
  const sameRepository = one.repository === other.repository;
  return one.app === other.app
    ? sameRepository || one.first === other.first
    : sameRepository && one.branch === other.branch;
}

/** @throws CommandError with what is wrong in the stack files */
export function readPreviewOwners(): readonly PreviewOwner[] {
  const origins = readOrigins();
  return [...origins.keys()].flatMap((name) => {
    const gitops = readStackSettings(name, stackSchema.pick({ gitops: true }))?.gitops;
    if (gitops?.previews === undefined) return [];
    const app = readStackSettings(name, stackSchema.pick({ app: true }))?.app.name;
    if (app === undefined) return [];
    return [{ name, app, repository: gitops.repository, branch: gitops.branch, first: startOf(name, origins) }];
  });
}
