import type { Service } from "../../components/service/service.ts";
import { CommandError } from "../command.ts";
import { UsageError } from "../options.ts";
import type { Monorepo } from "../project/monorepo.ts";
import { affectedServices } from "./affected-services.ts";

/** The options that say what to build. */
interface ServiceFlags {
  readonly service?: readonly string[] | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly all?: boolean | undefined;
}

/** @throws CommandError for a service that is not there */
export async function selectServices(
  monorepo: Monorepo,
  { service, from, to, all }: ServiceFlags,
  note: (line: string) => void,
): Promise<readonly Service[]> {
  const { services } = monorepo;
  const ways = [service !== undefined, from !== undefined, all === true].filter(Boolean);
  if (ways.length !== 1) throw new UsageError("say what to build: --service NAME, --from COMMIT, or --all");
  if (to !== undefined && from === undefined) throw new UsageError("--to needs --from");
  if (all === true) return services;
  if (from !== undefined) {
    const changes = await affectedServices({ monorepo, from, to: to ?? "HEAD", note });
    const changed = new Set(changes.services.map(({ name }) => name));
    return services.filter(({ name }) => changed.has(name));
  }
  const named = service ?? [];
  const unknown = named.filter((name) => services.every((known) => known.name !== name));
  if (unknown.length > 0) {
    const there = services.map(({ name }) => name).join(", ");
    throw new CommandError(
      `there is no service ${unknown.map((name) => JSON.stringify(name)).join(", ")} in ${monorepo.root}: there are ${there}`,
    );
  }
  return services.filter(({ name }) => named.includes(name));
}
