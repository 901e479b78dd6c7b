import { problemLine } from "../core/problem.ts";
import { isMap, parseYaml } from "../core/yaml.ts";
import { migrationName } from "../core/names.ts";
import { migrationImages, migrationImagesPath } from "./allowed-images.ts";
import type { DeployBranch } from "./deploy-branch.ts";
import { commitToBranch, readBranch } from "./deploy-repository.ts";
import { DeployRepositoryError } from "./git-failure.ts";
import {
  isContract,
  migrationPath,
  migrationTemplatePath,
  migrationWith,
  parseMigration,
  templateRepository,
  type Migration,
} from "./migration-record.ts";
import { shortDigest, type Release } from "./records.ts";
import type { Snapshot } from "./snapshot.ts";

/** What the deploy repository says of the migrations of one service. */
export interface ServiceMigrations {
  /** What the Job of the next image is made of. */
  readonly template: Readonly<Record<string, unknown>>;
  /** The newest one; `undefined`: there was none. */
  readonly newest: Migration | undefined;
}

interface Environment extends DeployBranch {
  readonly name: string;
  /** The environment's directory. */
  readonly directory: string;
}

/**
 * Of those of these services that have migrations.
 * @throws DeployRepositoryError with all that cannot be read
 */
export async function migrationsIn(
  snapshot: Snapshot,
  directory: string,
  services: readonly string[],
): Promise<Map<string, ServiceMigrations>> {
  const migrated = services.filter((service) => snapshot.entries.has(migrationTemplatePath(directory, service)));
  const texts = await snapshot.read(
    migrated.flatMap((service) => [migrationTemplatePath(directory, service), migrationPath(directory, service)]),
  );
  const problems: string[] = [];
  const found = migrated.flatMap((service): [string, ServiceMigrations][] => {
    const [templatePath, path] = [migrationTemplatePath(directory, service), migrationPath(directory, service)];
    const template = parseYaml(texts.get(templatePath) ?? "");
    const newest = parseMigration(path, texts.get(path) ?? "");
    if ("problem" in template) problems.push(`${templatePath}: ${template.problem}`);
    else if (!isMap(template.value)) problems.push(`${templatePath}: must be a Job; \`pulumi up\` writes it`);
    else if (newest !== undefined && "problems" in newest) problems.push(...newest.problems.map(problemLine));
    else return [[service, { template: template.value, newest }]];
    return [];
  });
  if (problems.length > 0)
    throw new DeployRepositoryError(
      `invalid records of migrations; nothing was changed\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
    );
  return new Map(found);
}

/** @returns `undefined`: the service has no migrations */
export async function readMigrations(
  environment: Environment,
  service: string,
): Promise<ServiceMigrations | undefined> {
  return readBranch(environment, async (snapshot) =>
    (await migrationsIn(snapshot, environment.directory, [service])).get(service),
  );
}

/**
 * Has the migration of an image run, by one commit, which Argo CD follows.
 * @param seen the newest migration as the caller knows it: where there is another one by now, nothing is changed
 * @param contract whether it takes away what the images before need, beside what the template says
 */
export async function startMigration(
  environment: Environment,
  release: Release,
  { seen, contract }: { readonly seen: Migration | undefined; readonly contract: boolean },
): Promise<void> {
  const { name, directory } = environment;
  const { service, digest, repository, sourceCommit } = release;
  await commitToBranch(environment, async (snapshot) => {
    const own = (await migrationsIn(snapshot, directory, [service])).get(service);
    const { newest } = own ?? {};
    if (own === undefined || newest?.job !== seen?.job) return { write: {}, message: "" };
    const takesAway = contract || isContract(own.template);
    const image = { repository: templateRepository(own.template) ?? repository, digest };
    const text = migrationWith(own.template, {
      service,
      image,
      attempt: (newest?.attempt ?? 0) + 1,
      sourceCommit,
      contractedBy: release.contractedBy ?? (takesAway ? digest : newest?.contractedBy),
    });
    const trailers = [
      `Service: ${service}`,
      `Migrated-Digest: ${digest}`,
      ...(sourceCommit === undefined ? [] : [`Source-Commit: ${sourceCommit}`]),
    ];
    const imagesPath = migrationImagesPath(directory, service);
    const allowed = migrationImages(own.template, migrationName(service), `${image.repository}@${digest}`);
    return {
      write: {
        [migrationPath(directory, service)]: text,
        ...(snapshot.entries.has(imagesPath) ? { [imagesPath]: allowed } : {}),
      },
      message: `migrate(${name}): ${service} ${shortDigest(digest)}\n\n${trailers.join("\n")}\n`,
    };
  });
}
