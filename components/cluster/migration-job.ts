import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Job } from "@pulumi/kubernetes/batch/v1/job.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import * as pulumi from "@pulumi/pulumi";
import { allowedImagesName, migrationJobName, migrationName } from "../../core/names.ts";
import { migrationManifests } from "../manifests/manifests.ts";
import { type ManifestContext } from "../manifests/manifest-context.ts";
import { schedulingSeconds } from "../manifests/migration.ts";
import { migrationDeadline } from "../service/migration-settings.ts";
import type { Service } from "../service/service.ts";
import { retryAnnotations, type RetriedRuns } from "./run-retries.ts";

export interface MigrationArgs {
  service: Service;
  context: ManifestContext;
  /** The image by digest. */
  image: pulumi.Input<string>;
  /** The Jobs that are tried again. */
  retried: RetriedRuns;
}

/**
 * Runs the migrations of a service's image by this program (delivery `direct`). Every image has a Job of its own. The one before
 * goes first, so that there are never two at the same time. One of the same image that still runs is waited for.
 * @param before what must be there before
 * @returns what must have succeeded before pods run the image; nothing where the service has no migrations
 */
export function applyMigration(
  name: string,
  { service, context, image, retried }: MigrationArgs,
  before: readonly pulumi.Resource[],
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource[] {
  const { migrations: settings } = service;
  const digest = pulumi.output(image).apply((reference) => reference.replace(/^.*@/, ""));
  const manifests = migrationManifests(context, service, {
    image,
    name: digest.apply((known) => migrationJobName(name, known, 1)),
    annotations: retryAnnotations(retried, migrationName(name)),
  });
  if (settings === undefined || manifests === undefined) return [];
  const own = { ...opts, dependsOn: [...before] };
  const policy = new NetworkPolicy(migrationName(name), manifests.networkPolicy, own);
  const { allowedImages: allowed } = manifests;
  const images = allowed === undefined ? [] : [new ConfigMap(allowedImagesName(migrationName(name)), allowed, own)];
  const seconds = migrationDeadline(settings) + 2 * schedulingSeconds;
  return [
    new Job(migrationName(name), manifests.job, {
      ...opts,
      dependsOn: [...before, policy, ...images],
      deleteBeforeReplace: true,
      customTimeouts: { create: `${seconds}s`, update: `${seconds}s` },
    }),
  ];
}
