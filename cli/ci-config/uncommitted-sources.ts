import { openSourceRepository } from "../../git/source-repository.ts";
import { buildContexts, buildOf } from "../affected/build-context.ts";
import { isIn, sourceTree } from "../affected/source-tree.ts";
import { CommandError } from "../command.ts";
import type { Monorepo } from "../project/monorepo.ts";

/**
 * Refuses Dockerfiles that copy what Git does not have, such as `target/app.jar`: a job of CI checks out no such file, and
 * nothing says which commits change it. What `paths` says that it is made from is known.
 * @throws CommandError that names each of them
 */
export async function assertSourcesCommitted(monorepo: Monorepo): Promise<void> {
  const repository = await openSourceRepository(monorepo.root);
  const files = await repository.files();
  const contextOf = buildContexts(sourceTree(monorepo.root));
  const problems = monorepo.services.flatMap((service) => {
    const { name, dockerfile, paths = [] } = service;
    if (paths.length > 0) return [];
    // A pattern with wildcards may mean nothing; a directory that is a submodule, or a link, has more than Git lists.
    const missing = contextOf(buildOf(monorepo.root, service)).sources.filter(
      ({ path, means }) => !/[*?[\]\\]/.test(path) && !files.some((file) => means(file) || isIn(file, path)),
    );
    return missing.map(
      ({ path }) =>
        `${dockerfile}: COPY ${path}: there is no such file in the commits of ${monorepo.root}, so that CI cannot build ${name}, and no commit counts as a change of it; make it in a stage of the Dockerfile, commit it, or let \`paths\` in service.yaml say what it is made from`,
    );
  });
  if (problems.length > 0) throw new CommandError(problems.join("\n"));
}
