import { namesHost } from "./hosts.ts";

type Variable = readonly [name: string, value: string];

const longest = 500;

/** A variable that is of no use in a cluster. */
export interface DroppedVariable {
  readonly name: string;
  /** The host that it speaks of, which is not here. */
  readonly host?: string;
  /** Why else it is not taken. */
  readonly reason?: string;
}

/**
 * Of the variables that a container is run with, those that are right in a cluster, too, and why the others are not.
 * @param elsewhere hosts that are there and not here
 */
export function plainEnvironment(
  variables: readonly Variable[],
  elsewhere: readonly string[],
): { readonly kept: readonly Variable[]; readonly dropped: readonly DroppedVariable[] } {
  // What is empty has its value from Compose's own environment.
  const known = variables.filter(([, value]) => value !== "");
  const dropped = known.flatMap((variable): DroppedVariable[] => {
    const [name] = variable;
    const reason = dropReason(variable);
    const host = elsewhere.find((one) => namesHost(one, variable));
    return reason !== undefined ? [{ name, reason }] : host !== undefined ? [{ name, host }] : [];
  });
  const names = new Set(dropped.map(({ name }) => name));
  return { kept: known.filter(([name]) => !names.has(name)), dropped };
}

function dropReason([, value]: Variable): string | undefined {
  if (/(^|[/@=,\s])(localhost|127\.0\.0\.1|host\.docker\.internal)(?=[:/,\s]|$)/.test(value)) return "for one machine";
  if (/^(dev|development|debug)$/i.test(value)) return "for development";
  return value.length > longest ? "too long" : undefined;
}
