import { stackSchema } from "../../stacks/schema.ts";
import { readMonorepo } from "../project/monorepo.ts";
import { readStackSettings } from "../project/stack-file.ts";

const neededSchema = stackSchema.pick({ ci: true, dependencies: true, gitops: true });

/**
 * The names of the secrets that a stack file and its services refer to: all that can be known of them where they are
 * encrypted as a whole.
 * @throws CommandError with all that is wrong in those files
 */
export function referencedSecrets(stack: string): string[] {
  const { services } = readMonorepo(stack);
  const settings = readStackSettings(stack, neededSchema);
  const ofDependencies = Object.values(settings?.dependencies ?? {}).flatMap((dependency) => {
    if (dependency === "none") return [];
    return [dependency.password, ...("secrets" in dependency ? Object.values(dependency.secrets) : [])];
  });
  const names = [
    ...services.flatMap((service) => Object.values(service.secrets ?? {})),
    ...ofDependencies,
    ...Object.values(settings?.ci.environment ?? {}),
    settings?.gitops?.argoCd.commitStatus?.privateKey,
  ];
  return [...new Set(names.filter((name) => name !== undefined))].toSorted();
}
