import type { Records } from "../git/records.ts";
import { CommandError } from "./command.ts";
import type { DeliveryEnvironment } from "./environment.ts";

/** @throws CommandError that lists the services that there are */
export function refuseUnknownServices(
  environment: DeliveryEnvironment,
  records: Records,
  services: Iterable<string>,
  wayOut = "",
): void {
  const unknown = [...services].filter((service) => !records.has(service));
  if (unknown.length === 0) return;
  const known = records.size === 0 ? "no service at all" : [...records.keys()].join(", ");
  const where = `${environment.directory}/ on branch ${environment.branch} of ${environment.repository}`;
  throw new CommandError(
    `${environment.name} has no service ${unknown.map((name) => JSON.stringify(name)).join(", ")}: ${where} has ${known}${wayOut}; nothing was changed`,
  );
}
