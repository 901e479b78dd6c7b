import type { SourceRepository } from "../../git/source-repository.ts";

/**
 * Where a branch left the delivered one, as a clone by CI knows that; a commit of the delivered branch left it at itself.
 * @returns `undefined`: it is not known here
 */
export async function branchPoint(
  repository: SourceRepository,
  to: string,
  deliveredBranch: string,
): Promise<string | undefined> {
  return (
    (await repository.mergeBase(to, `origin/${deliveredBranch}`)) ?? (await repository.mergeBase(to, deliveredBranch))
  );
}
