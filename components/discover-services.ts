import { findServices, type DiscoveryArgs } from "./find-services.ts";
import { rejectProblems } from "./rejection.ts";
import type { Service } from "./service.ts";

/** Finds the services of the monorepo, sorted by name. @throws pulumi.RunError with all problems of all services at once */
export function discoverServices(args: DiscoveryArgs): Service[] {
  const { services, problems } = findServices(args);
  rejectProblems(problems);
  return services;
}
