import { peerVariables, usualForm, type PeerVariable } from "../../components/service/peer-settings.ts";
import { serviceName } from "../../core/names.ts";
import { hasAddressOf, isHostVariable, namesHost } from "./hosts.ts";
import type { Run } from "./run.ts";
import type { SourceHints } from "./source-hints.ts";

/** A service that one calls, and the variables in which its code looks for the address, as far as they are known. */
export interface PeerLink {
  readonly name: string;
  readonly variables: readonly PeerVariable[];
  /** How it is known, where no file of Compose or Kubernetes says it. */
  readonly because: string | undefined;
}

/** A service that may be called. */
interface Callable {
  readonly name: string;
  readonly port: number;
  readonly run: Run | undefined;
}

/** What tells whom a service calls. */
interface Caller {
  readonly run: Run | undefined;
  /** Its variables: those of its image, too. */
  readonly environment: readonly (readonly [variable: string, value: string])[];
  readonly source: SourceHints;
}

/** The services that one calls, by name. */
export function peerLinks(services: readonly Callable[], { run, environment, source }: Caller): readonly PeerLink[] {
  const found = services.flatMap(({ name, port, run: called }): PeerLink[] => {
    const hosts = [name, ...(called === undefined ? [] : [called.name, ...called.aliases])];
    // Another of its ports has no name here.
    const isPrimary = (told: number): boolean => told === port || called?.ports.includes(told) !== true;
    const words = [...(run?.command ?? []), ...(run?.args ?? [])];
    const isMentioned = hosts.some(
      (host) =>
        run?.dependsOn.includes(host) === true ||
        environment.some((entry) => namesHost(host, entry)) ||
        words.some((word) => hasAddressOf(host, word)),
    );
    const told = inEnvironment(environment, hosts, isPrimary);
    const variables = told.length > 0 ? told : inCode(source.variables, hosts);
    const read = variables.map(({ variable }) => variable).join(", ");
    if (isMentioned)
      return [{ name, variables, because: told.length > 0 || read === "" ? undefined : `its code reads ${read}` }];
    if (variables.length > 0) return [{ name, variables, because: `its code reads ${read}` }];
    const [file] = hosts.flatMap((host) => source.hosts.get(host) ?? []);
    return file === undefined ? [] : [{ name, variables: [], because: `${file} has its host` }];
  });
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The variables that hold the address of a peer and nothing else. What else speaks of it stays as it is. */
function inEnvironment(
  environment: readonly (readonly [string, string])[],
  hosts: readonly string[],
  isPrimary: (port: number) => boolean,
): PeerVariable[] {
  return environment.flatMap(([variable, value]): PeerVariable[] => {
    const [, scheme, host = "", port] = /^(http:\/\/)?([a-z0-9-]+)(?::(\d+))?\/?$/.exec(value.trim()) ?? [];
    if (!hosts.includes(host) || (port !== undefined && !isPrimary(Number(port)))) return [];
    if (scheme !== undefined) return [{ variable, form: "url" }];
    if (port !== undefined) return [{ variable, form: "host:port" }];
    return isHostVariable(variable, value, hosts) ? [{ variable, form: "host" }] : [];
  });
}

/** The variables that are called after a service, such as `CART_SERVICE_ADDR` after `cart`. */
function inCode(read: ReadonlySet<string>, hosts: readonly string[]): PeerVariable[] {
  const names = hosts.map((host) => serviceName(host).toUpperCase().replaceAll("-", "_"));
  return [...read].toSorted().flatMap((variable): PeerVariable[] => {
    const [, name = "", kind] = /^(.+?)(?:_SERVICE|_SVC)?_(URL|URI|ADDR|ADDRESS|HOST|ENDPOINT)$/.exec(variable) ?? [];
    if (!names.includes(name)) return [];
    return [{ variable, form: kind === "HOST" ? "host" : usualForm(variable) }];
  });
}

/** As the stack file has them: a list, or a map where variables are known that they would not have by themselves. */
export function peersText(peers: readonly PeerLink[]): string {
  const usual = (name: string): readonly PeerVariable[] => peerVariables(undefined, name);
  const isUsual = ({ name, variables }: PeerLink): boolean =>
    variables.length === 0 || JSON.stringify(variables) === JSON.stringify(usual(name));
  if (peers.every(isUsual)) return `peers: [${peers.map(({ name }) => name).join(", ")}]`;
  const entries = peers.map(({ name, variables }) => {
    const written = (variables.length === 0 ? usual(name) : variables).map(({ variable, form }) =>
      form === usualForm(variable) ? variable : `{ variable: ${variable}, form: ${form} }`,
    );
    return `${name}: ${written.length === 1 ? written[0] : `[${written.join(", ")}]`}`;
  });
  return `peers: { ${entries.join(", ")} }`;
}
