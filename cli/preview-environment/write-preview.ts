import { isExposed, serviceAddress } from "../../components/manifests.ts";
import { deployedDependencies } from "../../components/manifests/dependency.ts";
import type { Service } from "../../components/service.ts";
import { previewName } from "../../core/names.ts";
import { commitToBranch } from "../../git/deploy-repository.ts";
import { previewDirectory, previewPaths } from "../../git/preview-directory.ts";
import { readRecords, summarize, type Records, type Release } from "../../git/records.ts";
import { CommandError } from "../command.ts";
import type { GitHub } from "../github/github.ts";
import type { Monorepo } from "../project/monorepo.ts";
import type { Digests } from "../release/digests-file.ts";
import { ineligibleReason, type PreviewLocation } from "./location.ts";
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
  /** Whether it is what the pull request makes of it; otherwise it is as in the environment. */
  readonly changed: boolean;
  readonly address: string;
  /** Whether it is where people come in. */
  readonly entry: boolean;
  readonly port: number;
}

export interface Preview {
  /** E.g. `pr-12`. */
  readonly name: string;
  readonly namespace: string;
  readonly services: readonly PreviewService[];
  /** Whether people come in from outside of the cluster. */
  readonly outside: boolean;
  /** The databases and caches that it has for itself. */
  readonly dependencies: readonly string[];
  /** Those that it does without. */
  readonly missing: readonly string[];
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
  const changes: Release[] = Object.entries(given.digests).map(([service, digest]) => ({
    service,
    repository: environment.imagesOf(service),
    digest,
    sourceCommit: given.sourceCommit,
  }));
  let images: ReadonlyMap<string, Release> = new Map();
  const { commit, changed } = await commitToBranch(environment, async (snapshot) => {
    images = imagesFor(services, changes, await readRecords(snapshot, environment.directory), environment.name);
    return {
      write: previewFiles(directory, context, images),
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
    outside: location.ingress !== undefined,
    dependencies: Object.keys(deployedDependencies(context.dependencies)),
    missing: missingDependencies(args),
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

/** What runs of each service: what the pull request makes of it, or what the environment runs at this moment. */
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
  const wanted = new Set(
    [...changed, ...entries.map(({ name }) => name)].flatMap((name) => [...reachable(byName, name)]),
  );
  return services.filter(({ name }) => wanted.has(name));
}

/** A service and all that it calls, directly or through others. */
function reachable(services: ReadonlyMap<string, Service>, start: string): ReadonlySet<string> {
  const found = new Set([start]);
  // A set that grows while it is walked is walked to its new end.
  for (const name of found) for (const peer of services.get(name)?.peers ?? []) found.add(peer);
  return found;
}

export interface RemovedPreviews {
  /** The numbers of the pull requests, and what is the matter with each, to complete "it …". */
  readonly removed: ReadonlyMap<number, string>;
  /** The commit made; `undefined`: nothing was to be removed. */
  readonly commit: string | undefined;
}

/**
 * Takes the environments of pull requests that are no longer to have one out of the deploy repository, by one commit. Argo CD
 * removes what runs by itself; this is the tidying up after it.
 */
export async function removePreviews(
  { environment, label }: PreviewLocation,
  github: GitHub,
): Promise<RemovedPreviews> {
  let removed: ReadonlyMap<number, string> = new Map();
  const { commit, changed } = await commitToBranch(environment, async (snapshot) => {
    const there = previewPaths(snapshot);
    const reasons = await Promise.all(
      [...there.keys()].map(
        async (number) => [number, ineligibleReason(await github.pullRequest(number), label)] as const,
      ),
    );
    removed = new Map(reasons.flatMap(([number, reason]) => (reason === undefined ? [] : [[number, reason] as const])));
    return {
      write: {},
      remove: [...removed.keys()].flatMap((number) => there.get(number) ?? []),
      message: `preview: remove ${[...removed.keys()].map(previewName).join(", ")}\n\n${[...removed.keys()].map((number) => `Pull-Request: ${number}`).join("\n")}\n`,
    };
  });
  return { removed, commit: changed ? commit : undefined };
}
