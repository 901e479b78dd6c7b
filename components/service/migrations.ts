import { kubeconfigVariable, maxMigratedNameLength, migrationName } from "../../core/names.ts";
import type { Problem } from "../../core/problem.ts";
import type { Service } from "./service.ts";

/** What says who moves release records, and what CI may ask. */
interface MigrationWaiter {
  delivery: "gitops" | "direct";
  gitops?: { release: "commit" | "registry-watch" } | undefined;
  ci: { environment: Readonly<Record<string, string>> };
  clusters?: readonly unknown[] | undefined;
}

/**
 * Why nobody would wait for a migration before the release record moves; `undefined`: somebody does.
 * @param file the stack file
 */
export function migrationRefusal(
  file: string,
  { delivery, gitops, ci, clusters }: MigrationWaiter,
): string | undefined {
  // This program runs them itself.
  if (delivery === "direct") return undefined;
  if (gitops?.release === "registry-watch")
    return `Argo CD Image Updater, which waits for no migration, moves the release records (gitops.release of ${file}); set that to commit`;
  if (clusters !== undefined)
    return `whether a migration has succeeded is asked of one cluster, and the environment has several (clusters of ${file}); remove one of them`;
  if (Object.hasOwn(ci.environment, kubeconfigVariable)) return undefined;
  return `CI asks the cluster whether they have succeeded before it moves a release record, and cannot; set ci.environment.${kubeconfigVariable} of ${file} to the name of a secret with the content of a kubeconfig, of a user who may read Jobs, pods and their logs`;
}

interface MigrationChecks {
  /** Why the environment can have none. */
  refusal: string | undefined;
  /** Where the migrations of a service are declared. */
  originOf: (service: Service) => string;
}

/** What no single key can see. */
export function migrationProblems(services: readonly Service[], { refusal, originOf }: MigrationChecks): Problem[] {
  return services
    .filter(({ migrations }) => migrations !== undefined)
    .flatMap((service) => {
      const { name } = service;
      const twin = services.find((other) => other.name === migrationName(name));
      return [
        ...(refusal === undefined ? [] : [{ location: originOf(service), message: refusal }]),
        ...(name.length > maxMigratedNameLength
          ? [
              {
                location: originOf(service),
                message: `the name ${JSON.stringify(name)} has ${name.length} characters; with migrations it may have ${maxMigratedNameLength}, since their Jobs are named after it`,
              },
            ]
          : []),
        ...(twin === undefined
          ? []
          : [
              {
                location: originOf(service),
                message: `what belongs to them is called ${JSON.stringify(twin.name)}, as the service ${twin.directory} is; rename one of the services`,
              },
            ]),
      ];
    });
}
