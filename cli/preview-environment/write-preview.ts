import { serviceAddress } from "../../components/manifests/manifests.ts";
import { deployedDependencies } from "../../components/manifests/dependency.ts";
import { reportObjects } from "../../components/manifests/object-report.ts";
import { peerNames } from "../../components/service/peer-settings.ts";
import { isExposed } from "../../components/service/exposure.ts";
import type { Service } from "../../components/service/service.ts";
import { previewName } from "../../core/names.ts";
import { commitToBranch } from "../../git/deploy-repository.ts";
import { previewDirectory, previewPaths } from "../../git/preview-directory.ts";
import { readRecords, summarize, type Records, type Release } from "../../git/records.ts";
import { CommandError } from "../command.ts";
import { rejectProblems } from "../project/stack-file.ts";
import type { GitHub } from "../github/github.ts";
import type { Monorepo } from "../project/monorepo.ts";
import type { Digests } from "../release/digests-file.ts";
import { ineligibleReason, type PreviewLocation } from "./location.ts";
import { previewImagesFile } from "./preview-images.ts";
import { withoutMigrations } from "./preview-migrations.ts";
import { missingDependencies, previewContext, previewFiles } from "./preview-files.ts";

interface PreviewRequest {
  readonly location: PreviewLocation;
  readonly monorepo: Monorepo;
  readonly pullRequest: number;
  /** The images of the services that the pull request changes. */
  readonly digests: Digests;
  /** The commit that they were built from. */
  readonly sourceCommit: string | undefined;
}

/** A service in a preview environment. */
export interface PreviewService {
  readonly name: string;
  readonly repository: string;
  readonly digest: string;
  /** Whether the pull request changes it; otherwise it is as in the environment. */
  readonly changed: boolean;
  readonly address: string | undefined;
  /** Whether it is exposed to people. */
  readonly entry: boolean;
  readonly port: number | undefined;
}

export interface Preview {
  /** E.g. `pr-12`. */
  readonly name: string;
  readonly namespace: string;
  readonly services: readonly PreviewService[];
  /** Whether its exposed services can be reached from outside of the cluster. */
  readonly outside: boolean;
  /** The databases and caches of its own. */
  readonly dependencies: readonly string[];
  /** The dependencies that it does without. */
  readonly missing: readonly string[];
  /** The services whose migrations do not run. */
  readonly unmigrated: readonly string[];
  /** The commit made; `undefined`: nothing was to change. */
  readonly commit: string | undefined;
}

/** Puts the environment of a pull request into the deploy repository, by one commit. */
export async function writePreview({ location, monorepo, pullRequest, ...given }: PreviewRequest): Promise<Preview> {
  assertServicesKnown(monorepo, given.digests);
  const { environment } = location;
  const directory = previewDirectory(pullRequest);
  const services = servicesOfPreview(monorepo.services, new Set(Object.keys(given.digests)));
  const args = { ...location, pullRequest, services };
  const context = previewContext(args);
  // Nobody has reviewed what the pull request changes in patches, and this is the first to make objects of them.
  rejectProblems(reportObjects(context, monorepo.images, true).problems);
  const changes: Release[] = Object.entries(given.digests).map(([service, digest]) => ({
    service,
    repository: environment.imagesOf(service),
    digest,
    sourceCommit: given.sourceCommit,
  }));
  let images: ReadonlyMap<string, Release> = new Map();
  const { commit, changed } = await commitToBranch(environment, async (snapshot) => {
    images = imagesFor(services, changes, await readRecords(snapshot, environment.directory), environment.name);
    const allowedPath = `${directory}/${previewImagesFile}`;
    const allowed = location.asksForImages ? ((await snapshot.read([allowedPath])).get(allowedPath) ?? "") : undefined;
    return {
      write: previewFiles(directory, context, images, allowed),
      remove: previewPaths(snapshot).get(pullRequest) ?? [],
      message: messageOf(pullRequest, changes, given.sourceCommit),
    };
  });
  return {
    name: context.environment.name,
    namespace: context.environment.namespace,
    services: context.services.flatMap((service) => {
      const image = images.get(service.name);
      if (image === undefined) return [];
      const { name, port } = service;
      const { repository, digest } = image;
      const own = changes.includes(image);
      const [address, entry] = [serviceAddress(context, service), isExposed(service)];
      return [{ name, repository, digest, changed: own, address, entry, port }];
    }),
    outside: location.ingress !== undefined || location.gateway !== undefined,
    dependencies: Object.keys(deployedDependencies(context.dependencies)),
    missing: missingDependencies(args),
    unmigrated: withoutMigrations(services, location.dependencies),
    commit: changed ? commit : undefined,
  };
}

function assertServicesKnown({ services, root }: Monorepo, digests: Digests): void {
  const known = new Set(services.map(({ name }) => name));
  const unknown = Object.keys(digests).filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  throw new CommandError(
    `the digests name ${unknown.join(", ")}, but ${root} has ${[...known].join(", ") || "no service"}; build with the same checkout; nothing was changed`,
  );
}

/** The image of each service: of the pull request, or the one that the environment runs at this moment. */
function imagesFor(
  services: readonly Service[],
  changes: readonly Release[],
  records: Records,
  environment: string,
): Map<string, Release> {
  const images = new Map(changes.map((change) => [change.service, change]));
  for (const { name } of services) {
    const { image, sourceCommit } = records.get(name) ?? {};
    if (image !== undefined && !images.has(name)) images.set(name, { service: name, ...image, sourceCommit });
  }
  const absent = services.filter(({ name }) => !images.has(name)).map(({ name }) => name);
  if (absent.length === 0) return images;
  throw new CommandError(
    `${environment} runs nothing of ${absent.join(", ")} yet, which the changed services need; release there first; nothing was changed`,
  );
}

function messageOf(pullRequest: number, changes: readonly Release[], sourceCommit: string | undefined): string {
  const what = changes.length === 0 ? "no service changed" : summarize(changes);
  const trailers = [
    ...changes.flatMap(({ service, digest }) => [`Service: ${service}`, `Digest: ${digest}`]),
    `Pull-Request: ${pullRequest}`,
    ...(sourceCommit === undefined ? [] : [`Source-Commit: ${sourceCommit}`]),
  ];
  return `preview(${previewName(pullRequest)}): ${what}\n\n${trailers.join("\n")}\n`;
}

/**
 * The services of a preview environment: those that have changed, the exposed ones through which people reach them, and
 * whatever these call. In the order given.
 */
export function servicesOfPreview(services: readonly Service[], changed: ReadonlySet<string>): Service[] {
  const byName = new Map(services.map((service) => [service.name, service]));
  const entries = services.filter(
    (service) => isExposed(service) && [...reachable(byName, service.name)].some((name) => changed.has(name)),
  );
  const desired = new Set(
    [...changed, ...entries.map(({ name }) => name)].flatMap((name) => [...reachable(byName, name)]),
  );
  return services.filter(({ name }) => desired.has(name));
}

/** A service and all that it calls, directly or through others. */
function reachable(services: ReadonlyMap<string, Service>, start: string): ReadonlySet<string> {
  const found = new Set([start]);
  // The loop also visits what is added to the set while it runs.
  for (const name of found) for (const peer of peerNames(services.get(name)?.peers)) found.add(peer);
  return found;
}

export interface RemovedPreviews {
  /** By the number of a pull request the reason, to complete "it …". */
  readonly removed: ReadonlyMap<number, string>;
  /** The commit made; `undefined`: nothing was to be removed. */
  readonly commit: string | undefined;
}

/**
 * Removes the environments of pull requests that are to have none any more from the deploy repository, by one commit. Argo CD
 * itself removes what runs.
 */
export async function removePreviews(
  { environment, label }: PreviewLocation,
  github: GitHub,
): Promise<RemovedPreviews> {
  let removed: ReadonlyMap<number, string> = new Map();
  const { commit, changed } = await commitToBranch(environment, async (snapshot) => {
    const present = previewPaths(snapshot);
    const reasons = await Promise.all(
      [...present.keys()].map(
        async (number) => [number, ineligibleReason(await github.pullRequest(number), label)] as const,
      ),
    );
    removed = new Map(reasons.flatMap(([number, reason]) => (reason === undefined ? [] : [[number, reason] as const])));
    return {
      write: {},
      remove: [...removed.keys()].flatMap((number) => present.get(number) ?? []),
      message: `preview: remove ${[...removed.keys()].map(previewName).join(", ")}\n\n${[...removed.keys()].map((number) => `Pull-Request: ${number}`).join("\n")}\n`,
    };
  });
  return { removed, commit: changed ? commit : undefined };
}
