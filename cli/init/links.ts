import { imageEnvironment } from "../../components/dockerfile/dockerfile.ts";
import { foundDependency, type FoundDependency } from "./found-dependency.ts";
import { hasAddressOf, isHost, namesHost, replaceHost } from "./hosts.ts";
import type { FoundImage } from "./images.ts";
import { knownImage, usualImages } from "./known-images.ts";
import { baseImage, portOf, type ListeningPort } from "./listening-port.ts";
import { peerLinks, type PeerLink } from "./peer-links.ts";
import { plainEnvironment, type DroppedVariable } from "./plain-environment.ts";
import type { Repository } from "./repository.ts";
import type { Run } from "./run.ts";
import { findSecrets, type FoundSecret } from "./secrets.ts";
import { ofDependencies, sourceHints } from "./source-hints.ts";

/** What a service needs at run time. */
export interface Links {
  /** Without a port it is a worker, as far as is known. */
  readonly listens: ListeningPort;
  /** By name: the variable that takes its address. */
  readonly dependencies: ReadonlyMap<string, DependencyUse>;
  readonly peers: readonly PeerLink[];
  readonly environment: Readonly<Record<string, string>>;
  /** Variables that it has where it is run, and not here. */
  readonly dropped: readonly DroppedVariable[];
  /** Where it has files there that are not of its image, and stay. */
  readonly mounts: readonly string[];
  /** What it runs in place of the image's own, with the hosts that are here. */
  readonly command: readonly string[] | undefined;
  readonly args: readonly string[] | undefined;
  /** Variables that hold a password or the like. */
  readonly secrets: readonly FoundSecret[];
}

interface DependencyUse {
  readonly variable: string;
  /** Whether it knows where that is: it reads this variable, or has its host from elsewhere. */
  readonly isKnown: boolean;
  /** How it is known. */
  readonly because: string;
}

/** @returns the dependencies, and per image, by name, what it needs */
export function findLinks(
  images: readonly FoundImage[],
  runs: readonly Run[],
  repository: Pick<Repository, "files" | "read" | "under">,
): {
  readonly dependencies: readonly FoundDependency[];
  readonly links: ReadonlyMap<string, Links>;
  /** The passwords with which dependencies run, by the names of the stack's secrets. */
  readonly passwords: ReadonlyMap<string, string>;
} {
  const names = new Set(images.map(({ name }) => name));
  const declared = runs.flatMap((run): FoundDependency[] => {
    const base = run.build === undefined ? run.image : baseImage(repository.read(run.build.dockerfile));
    // The host by which it is found in Kubernetes is that of its Service.
    const name = (run.isCompose ? undefined : run.aliases[0]) ?? run.name;
    const isFree = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name) && !names.has(name);
    return base !== undefined && isFree && knownImage(base)?.kind === "dependency"
      ? [foundDependency(name, base, run)]
      : [];
  });
  const passwords = new Map(declared.flatMap((dependency) => [...dependency.passwords]));
  const secrets = findSecrets(
    new Map(images.map((image) => [image.name, runOf(image, runs) ?? { environment: {}, secretVariables: [] }])),
    passwords,
  );
  const hosts = [
    ...names,
    ...images.flatMap((image) => hostsOf(runOf(image, runs))),
    ...declared.map(({ name }) => name),
  ];
  const ports = new Map(images.map((image) => [image.name, portOf(image, runOf(image, runs), repository)]));
  const rename = (text: string, isNamed: (host: string, text: string) => boolean): string =>
    renamed(text, { images, runs, ports, isNamed });
  const used = new Map<string, FoundDependency>();
  const links = images.map((image): [string, Links] => {
    const run = runOf(image, runs);
    const environment = Object.entries(run?.environment ?? {});
    const source = sourceHints(image, hosts, repository);
    const uses = new Map<string, DependencyUse>();
    for (const dependency of declared) {
      const use = useOf(dependency.name, run, source.hosts);
      if (use === undefined) continue;
      used.set(dependency.name, dependency);
      uses.set(dependency.name, use);
    }
    for (const [variable, dependency] of ofDependencies(source.variables)) {
      const known = declared.filter(({ image: of }) => isLike(nameOf(of), dependency));
      // Which one of several it is, the code does not tell.
      if (
        known.length > 1 ||
        uses.has(dependency) ||
        [...uses.keys()].some((name) => known.some((found) => found.name === name))
      )
        continue;
      const [found = foundDependency(dependency, usualImages[dependency] ?? dependency, undefined)] = known;
      if (names.has(found.name) || usualImages[dependency] === undefined) continue;
      used.set(found.name, found);
      uses.set(found.name, {
        variable: addressVariable(found.name, variable),
        isKnown: isAddress(variable),
        because: `its code reads ${variable}`,
      });
    }
    const others = images.flatMap((other) => {
      const known = ports.get(other.name)?.port;
      return other.name === image.name || known === undefined
        ? []
        : [{ name: other.name, port: known, run: runOf(other, runs) }];
    });
    const ofImage = imageEnvironment(repository.read(image.dockerfile) ?? "", image);
    const peers = peerLinks(others, {
      run,
      environment: Object.entries({ ...ofImage, ...run?.environment }),
      source,
    });
    const own = secrets.get(image.name) ?? [];
    const taken = new Set([
      ...peers.flatMap(({ variables }) => variables.map(({ variable }) => variable)),
      ...[...uses.values()].map(({ variable }) => variable),
      ...own.map(({ variable }) => variable),
    ]);
    const { kept, dropped } = plainEnvironment(
      environment.filter(([name, value]) => !taken.has(name) && ofImage[name] !== value),
      runs.flatMap(hostsOf).filter((name) => !hosts.includes(name)),
    );
    return [
      image.name,
      {
        listens: ports.get(image.name) ?? { port: undefined, from: undefined },
        dependencies: uses,
        peers,
        environment: Object.fromEntries(
          kept.map(([name, value]) => [name, rename(value, (host, text) => namesHost(host, [name, text]))]),
        ),
        dropped,
        mounts: run?.mounts ?? [],
        command: run?.command?.map((word) => rename(word, hasAddressOf)),
        args: run?.args?.map((word) => rename(word, hasAddressOf)),
        secrets: own.map((secret) => ({ ...secret, value: secret.value && rename(secret.value, isHost) })),
      },
    ];
  });
  return { dependencies: [...used.values()], links: new Map(links), passwords };
}

/** All hosts by which a container is found. */
function hostsOf(run: Run | undefined): readonly string[] {
  return run === undefined ? [] : [run.name, ...run.aliases];
}

function runOf(image: FoundImage, runs: readonly Run[]): Run | undefined {
  return image.run ?? runs.find(({ name, build }) => build === undefined && name === image.name);
}

/** @returns `undefined`: nothing says that it is used */
function useOf(name: string, run: Run | undefined, inSource: ReadonlyMap<string, string>): DependencyUse | undefined {
  const environment = Object.entries(run?.environment ?? {});
  const words = [...(run?.command ?? []), ...(run?.args ?? [])];
  const exact = environment.find(([, value]) => new RegExp(`^${name}:\\d+$`).test(value));
  const isTold = environment.some((entry) => namesHost(name, entry)) || words.some((word) => hasAddressOf(name, word));
  const variable = exact?.[0] ?? addressVariable(name, undefined);
  const file = inSource.get(name);
  if (isTold || run?.dependsOn.includes(name) === true)
    return { variable, isKnown: isTold || file !== undefined, because: `${run?.file}` };
  return file === undefined ? undefined : { variable, isKnown: true, because: `${file} has its host` };
}

function isAddress(variable: string): boolean {
  return /_ADDR(ESS)?$/.test(variable);
}

function addressVariable(name: string, variable: string | undefined): string {
  return variable !== undefined && isAddress(variable)
    ? variable
    : `${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}_ADDRESS`;
}

/** What speaks the protocol of another is as good as that. */
const forks: Readonly<Record<string, string>> = { valkey: "redis", mariadb: "mysql" };

function isLike(name: string | undefined, dependency: string): boolean {
  return name !== undefined && (forks[name] ?? name) === (forks[dependency] ?? dependency);
}

function nameOf(image: string): string | undefined {
  const known = knownImage(image);
  return known?.kind === "dependency" ? known.name : undefined;
}

interface Renaming {
  readonly images: readonly FoundImage[];
  readonly runs: readonly Run[];
  readonly ports: ReadonlyMap<string, ListeningPort>;
  /** Whether a text means a host by that name. */
  readonly isNamed: (host: string, text: string) => boolean;
}

/** Hosts by the names that the services have here, at the ports that they listen on. */
function renamed(value: string, { images, runs, ports, isNamed }: Renaming): string {
  return images.reduce((text, image) => {
    const run = runOf(image, runs);
    if (run === undefined) return text;
    const named = hostsOf(run)
      .filter((host) => host !== image.name && isNamed(host, text))
      .reduce((to, host) => replaceHost(to, host, image.name), text);
    const port = ports.get(image.name)?.port;
    // A Service of Kubernetes may listen elsewhere than its containers; here it does not.
    const [, told] = new RegExp(`(?:^|[/@=,\\s])${image.name}:(\\d+)`).exec(named) ?? [];
    return told === undefined || port === undefined || run.ports.includes(Number(told))
      ? named
      : named.replace(`${image.name}:${told}`, `${image.name}:${port}`);
  }, value);
}
