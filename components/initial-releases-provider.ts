import { migrationName } from "../core/names.ts";
import { isMap, parseYaml } from "../core/yaml.ts";
import { migrationImages, migrationImagesPath } from "../git/allowed-images.ts";
import type { Identity } from "../git/committer.ts";
import { commitToBranch } from "../git/deploy-repository.ts";
import {
  isContract,
  migrationPath,
  migrationTemplatePath,
  migrationWith,
  parseMigration,
  type Migration,
} from "../git/migration-record.ts";
import { parseRecord, recordPath, recordWith } from "../git/release-record.ts";
import { signedBranch, type SigningKeys } from "../git/signing-keys.ts";
import type { Snapshot } from "../git/snapshot.ts";

/** The inputs of `InitialMigrations` and `InitialReleases` when all of them are known. */
export interface InitialReleasesInputs {
  repository: string;
  branch: string;
  committer?: Identity;
  /** Whose signed commits count. @default commits are not signed */
  signing?: SigningKeys;
  /** The private key; it is secret. */
  signingKey?: string;
  /** The environment's directory. */
  directory: string;
  /** By service: `repository@digest`. */
  images: Record<string, string>;
  /** `project/stack`. */
  stack: string;
}

/** What the state holds. */
interface InitialReleasesState extends InitialReleasesInputs {
  /** The services that still had no release when this ran last. */
  unreleased: string[];
}

/** What a service has in the deploy repository. */
interface ServiceFiles {
  readonly isReleased: boolean;
  readonly migration: Migration | undefined;
  readonly template: Readonly<Record<string, unknown>>;
  /** Whether the cluster asks which image a migration may have. */
  readonly asksForImages: boolean;
}

type Write = (
  service: string,
  image: Migration["image"],
  files: ServiceFiles,
) => (readonly [path: string, text: string])[];

/** Has the migrations of images run that no release record names yet. */
export const initialMigrationsProvider = providerOf(
  "first migrations",
  (directory) =>
    (service, image, { migration, template, asksForImages }) => {
      if (migration?.image.digest === image.digest) return [];
      const attempt = (migration?.attempt ?? 0) + 1;
      const contractedBy = isContract(template) ? image.digest : migration?.contractedBy;
      const text = migrationWith(template, { service, image, attempt, contractedBy });
      const reference = `${image.repository}@${image.digest}`;
      return [
        [migrationPath(directory, service), text],
        ...(asksForImages
          ? [
              [
                migrationImagesPath(directory, service),
                migrationImages(template, migrationName(service), reference),
              ] as const,
            ]
          : []),
      ];
    },
);

/** Releases the images whose migrations have succeeded, where nothing has been released before. */
export const initialReleasesProvider = providerOf(
  "first images, whose migrations have succeeded",
  (directory) =>
    (service, image, { migration }) =>
      // Whoever has another image migrated by now releases that.
      migration?.image.digest === image.digest
        ? [[recordPath(directory, service), recordWith({ ...image, contractedBy: migration.contractedBy })]]
        : [],
);

function providerOf(subject: string, writeIn: (directory: string) => Write) {
  const put = async (inputs: InitialReleasesInputs): Promise<InitialReleasesState> => {
    const { directory, images, stack } = inputs;
    const services = Object.keys(images);
    const write = writeIn(directory);
    let unreleased: string[] = [];
    await commitToBranch(signedBranch(inputs), async (snapshot) => {
      const files = await readFiles(snapshot, directory, services);
      unreleased = services.filter((service) => files.get(service)?.isReleased !== true);
      const written = unreleased.flatMap((service) => {
        const own = files.get(service);
        return own === undefined ? [] : write(service, imageOf(images[service] ?? ""), own);
      });
      return {
        write: Object.fromEntries(written),
        message: `release(${directory}): ${subject}\n\nStack: ${stack}\n`,
      };
    });
    return { ...inputs, unreleased };
  };
  return {
    check: async (_olds: unknown, inputs: InitialReleasesInputs) => ({ inputs, failures: [] }),
    /** Once a service has been released, what this program builds is none of its business. */
    diff: async (_id: string, olds: InitialReleasesState, news: InitialReleasesInputs) => {
      const moved = (["repository", "branch", "directory"] as const).some((key) => olds[key] !== news[key]);
      const added = Object.keys(news.images).some((service) => olds.images[service] === undefined);
      const rebuilt = olds.unreleased.some(
        (service) => news.images[service] !== undefined && news.images[service] !== olds.images[service],
      );
      return { changes: moved || added || rebuilt };
    },
    create: async (inputs: InitialReleasesInputs) => ({
      id: `${inputs.repository}#${inputs.branch}:${inputs.directory}`,
      outs: await put(inputs),
    }),
    update: async (_id: string, _olds: InitialReleasesState, news: InitialReleasesInputs) => ({
      outs: await put(news),
    }),
    // The records belong to the resource that has made them.
    delete: async () => {},
  };
}

async function readFiles(
  snapshot: Snapshot,
  directory: string,
  services: readonly string[],
): Promise<Map<string, ServiceFiles>> {
  const pathsOf = (service: string) =>
    [
      recordPath(directory, service),
      migrationPath(directory, service),
      migrationTemplatePath(directory, service),
    ] as const;
  const texts = await snapshot.read(services.flatMap(pathsOf));
  return new Map(
    services.flatMap((service) => {
      const [record, migration, template] = pathsOf(service);
      const released = parseRecord(record, texts.get(record) ?? "");
      const migrated = parseMigration(migration, texts.get(migration) ?? "");
      const parsed = parseYaml(texts.get(template) ?? "");
      // What cannot be read is left as it is: the commands that release name what is wrong.
      if ("problems" in released || (migrated !== undefined && "problems" in migrated)) return [];
      if ("problem" in parsed || !isMap(parsed.value)) return [];
      const asksForImages = snapshot.entries.has(migrationImagesPath(directory, service));
      const isReleased = released.image !== undefined;
      return [[service, { isReleased, migration: migrated, template: parsed.value, asksForImages }] as const];
    }),
  );
}

function imageOf(reference: string): Migration["image"] {
  const [repository = "", digest = ""] = reference.split("@");
  return { repository, digest };
}
