import { existsSync } from "node:fs";
import { migrationsIn } from "../../git/migrations.ts";
import { shortDigest, type Records, type Release } from "../../git/records.ts";
import type { Snapshot } from "../../git/snapshot.ts";
import { CommandError } from "../command.ts";
import type { DeliveryEnvironment } from "../project/environment.ts";
import { readMonorepo } from "../project/monorepo.ts";
import type { Project } from "../project/stack-file.ts";

interface Rollback {
  readonly releases: readonly Release[];
  /** The records that are gone back to, and those of now. */
  readonly earlier: Records;
  readonly records: Records;
  /** The deploy repository as it is now. */
  readonly snapshot: Snapshot;
}

/** @throws CommandError where a migration that has begun since takes away what one of the images needs */
export async function assertNotContracted(
  { name, directory }: DeliveryEnvironment,
  { releases, earlier, records, snapshot }: Rollback,
): Promise<void> {
  const found = await migrationsIn(
    snapshot,
    directory,
    releases.map(({ service }) => service),
  );
  const refused = releases.flatMap(({ service, digest }) => {
    const contractedBy = found.get(service)?.newest?.contractedBy ?? records.get(service)?.contractedBy;
    if (contractedBy === undefined || contractedBy === earlier.get(service)?.contractedBy) return [];
    return [
      `${service} of ${name} cannot go back to ${shortDigest(digest)}: the migration to ${shortDigest(contractedBy)} takes away what that needs (migrations.contract). Release an image that is mended; or where its data are restored to what they were, run it by \`delivery release --env ${name} --service ${service}=${digest}\``,
    ];
  });
  if (refused.length > 0) throw new CommandError(`${refused.join("\n       ")}\nNothing was changed`);
}

/**
 * Which services say in this checkout that their migrations take away what earlier images need. The deploy repository says the
 * same only after the next `pulumi up`.
 * @returns always false where there is no checkout
 */
export function contractOf(project: Project, environment: string): (service: string) => boolean {
  let marked: ReadonlySet<string> | undefined;
  return (service) => {
    marked ??= markedIn(project, environment);
    return marked.has(service);
  };
}

/** @throws CommandError with all that is wrong in the stack file and in the files of the services */
function markedIn(project: Project, environment: string): ReadonlySet<string> {
  const app = project.stackFile(environment).find("app")?.app;
  if (app === undefined || !existsSync(app.directory)) return new Set();
  const { services } = readMonorepo(project, environment);
  return new Set(services.flatMap(({ name, migrations }) => (migrations?.contract === true ? [name] : [])));
}
