import type * as pulumi from "@pulumi/pulumi";
import {
  initialMigrationImages,
  migrationImagesPath,
  previousImages,
  previousImagesPath,
} from "../../git/allowed-images.ts";
import { initialMigration, migrationPath } from "../../git/migration-record.ts";
import { initialRecord, recordPath, recordWith } from "../../git/release-record.ts";
import type { ManifestContext } from "../manifests/manifest-context.ts";
import type { ServiceImage } from "../service-image.ts";

export interface InitialRecordsArgs {
  context: ManifestContext;
  images: ReadonlyMap<string, ServiceImage>;
}

/** The records of releases and migrations that are made where there are none yet, by path. */
export function initialRecords({ context, images }: InitialRecordsArgs): Record<string, pulumi.Input<string>> {
  const { name: environment } = context.environment;
  return Object.fromEntries(
    context.services.flatMap(({ name, migrations }): (readonly [path: string, record: pulumi.Input<string>])[] => {
      const image = images.get(name);
      if (image === undefined) return [];
      const path = recordPath(environment, name);
      const asked = context.admission !== undefined;
      const previous = asked ? [[previousImagesPath(environment, name), previousImages([])] as const] : [];
      if (migrations !== undefined)
        return [
          [path, initialRecord(name)],
          ...previous,
          [migrationPath(environment, name), initialMigration()],
          ...(asked ? [[migrationImagesPath(environment, name), initialMigrationImages()] as const] : []),
        ];
      const { repository, reference } = image;
      const record =
        reference?.apply((byDigest) => recordWith({ repository, digest: byDigest.replace(/^.*@/, "") })) ??
        initialRecord(name);
      return [[path, record], ...previous];
    }),
  );
}
