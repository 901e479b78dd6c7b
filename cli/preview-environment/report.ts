import { shortDigest } from "../../git/records.ts";
import type { CommandContext } from "../command.ts";
import type { PreviewLocation } from "./location.ts";
import type { Preview, RemovedPreviews } from "./write-preview.ts";

/** Prints what a preview environment consists of: for people, or as one JSON object. */
export function reportPreview(
  { name, namespace, services, dependencies, missing, unmigrated, commit }: Preview,
  { environment }: PreviewLocation,
  json: boolean,
  { print }: CommandContext,
): void {
  if (json) {
    const images = services.map(({ name: service, repository, digest, changed, address }) => ({
      service,
      repository,
      digest,
      changed,
      address,
    }));
    return print(
      JSON.stringify({
        environment: name,
        namespace,
        changed: commit !== undefined,
        commit: commit ?? null,
        services: images,
        dependencies,
        missing,
        unmigrated,
      }),
    );
  }
  for (const { name: service, digest, changed, address } of services)
    print(
      `${name}: ${service} ${shortDigest(digest)} ${changed ? "(changed)" : `(as in ${environment.name})`} ${address}`,
    );
  if (services.length === 0) print(`${name}: no service changed, so none runs`);
  if (unmigrated.length > 0)
    print(`${name}: migrations of ${unmigrated.join(", ")} do not run, since their data may not be the preview's own`);
  if (missing.length > 0) print(`${name}: without ${missing.join(", ")}, which ${environment.name} has elsewhere`);
  print(
    commit === undefined
      ? `${name}: nothing to change`
      : `commit ${commit} on branch ${environment.branch} of ${environment.repository}`,
  );
}

/** Prints which preview environments are removed. */
export function reportRemoval({ removed, commit }: RemovedPreviews, json: boolean, { print }: CommandContext): void {
  if (json) {
    const reasons = [...removed].map(([pullRequest, reason]) => ({ pullRequest, reason }));
    return print(JSON.stringify({ changed: commit !== undefined, commit: commit ?? null, removed: reasons }));
  }
  if (removed.size === 0) return print("no preview environment to remove");
  for (const [pullRequest, reason] of removed)
    print(`pr-${pullRequest}: removed, since pull request ${pullRequest} ${reason}`);
  print(`commit ${commit}`);
}
