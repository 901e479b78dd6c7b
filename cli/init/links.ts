import { exposedPort } from "../../components/dockerfile/dockerfile.ts";
import { dependencyOfVariable, knownImage } from "./known-images.ts";
import type { FoundImage } from "./images.ts";
import { isHostVariable, peerLinks, type PeerLink } from "./peer-links.ts";
import type { Repository } from "./repository.ts";
import { isHost, replaceHost, type Run } from "./runs.ts";
import { dependencyPasswords, findSecrets, type FoundSecret } from "./secrets.ts";

/** A database, cache or queue that services use. */
export interface FoundDependency {
  readonly name: string;
  readonly image: string;
  /** The file that speaks of it. */
  readonly file: string;
}

/** What a service needs at run time. */
export interface Links {
  /** `undefined`: a worker, as far as is known. */
  readonly port: number | undefined;
  /** Where the port is known from; `undefined`: the program finds it by itself. */
  readonly portFrom: string | undefined;
  /** By name: the variable that takes its address. */
  readonly dependencies: ReadonlyMap<string, DependencyUse>;
  readonly peers: readonly PeerLink[];
  readonly environment: Readonly<Record<string, string>>;
  /** Variables that hold a password or the like. */
  readonly secrets: readonly FoundSecret[];
}

interface DependencyUse {
  readonly variable: string;
  /** Whether the code reads that variable; else it needs the address in another form. */
  readonly isRead: boolean;
  /** How it is known. */
  readonly because: string;
}

/** @returns the dependencies, and per image, by name, what it needs */
export function findLinks(
  images: readonly FoundImage[],
  runs: readonly Run[],
  repository: Pick<Repository, "read" | "under">,
): {
  readonly dependencies: readonly FoundDependency[];
  readonly links: ReadonlyMap<string, Links>;
  /** The passwords with which dependencies run, by the names of the stack's secrets. */
  readonly passwords: ReadonlyMap<string, string>;
} {
  const passwords = dependencyPasswords(runs);
  const secrets = findSecrets(
    new Map(images.map((image) => [image.name, runOf(image, runs)?.environment ?? {}])),
    passwords,
  );
  const names = new Set(images.map(({ name }) => name));
  const declared = runs.flatMap((run): FoundDependency[] => {
    const base = run.build === undefined ? run.image : baseImage(repository.read(run.build.dockerfile));
    const isFree = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(run.name) && !names.has(run.name);
    return base !== undefined && isFree && knownImage(base)?.kind === "dependency"
      ? [{ name: run.name, image: run.build === undefined ? base : base, file: run.file }]
      : [];
  });
  const ports = new Map(images.map((image) => [image.name, portOf(image, runOf(image, runs), repository)]));
  const used = new Map<string, FoundDependency>();
  const links = images.map((image): [string, Links] => {
    const run = runOf(image, runs);
    const environment = Object.entries(run?.environment ?? {});
    const mentions = (name: string): boolean =>
      run?.dependsOn.includes(name) === true || environment.some(([, value]) => isHost(name, value));
    const uses = new Map<string, DependencyUse>();
    for (const dependency of declared.filter(({ name }) => mentions(name))) {
      used.set(dependency.name, dependency);
      uses.set(dependency.name, useOf(dependency.name, environment, `${run?.file}`));
    }
    const read = readInCode(image, repository);
    for (const [variable, dependency] of ofDependencies(read)) {
      const known = declared.filter(({ image: of }) => nameOf(of) === dependency);
      // Which one of several it is, the code does not tell.
      if (known.length > 1 || [...uses.keys()].some((name) => known.some((found) => found.name === name))) continue;
      const [found = { name: dependency, image: imagesOf[dependency] ?? dependency, file: "its code" }] = known;
      if (names.has(found.name) || imagesOf[dependency] === undefined) continue;
      used.set(found.name, found);
      uses.set(found.name, {
        variable: addressVariable(found.name, variable),
        isRead: isAddress(variable),
        because: `its code reads ${variable}`,
      });
    }
    const others = images.flatMap((other) => {
      const known = ports.get(other.name)?.port;
      return other.name === image.name || known === undefined
        ? []
        : [{ name: other.name, port: known, run: runOf(other, runs) }];
    });
    const peers = peerLinks(others, run, read);
    const addressed = new Set(peers.flatMap(({ variables }) => variables.map(({ variable }) => variable)));
    const told = [
      ...uses.keys(),
      ...peers.map(({ name }) => name),
      ...images.flatMap((other) => runOf(other, runs)?.name ?? []),
    ];
    const kept = environment.filter(
      ([name, value]) =>
        (image.isShared ||
          told.some((host) => isHost(host, value) && host !== value.trim()) ||
          isHostVariable(name, value, told)) &&
        !addressed.has(name) &&
        [...uses.values()].every(({ variable }) => variable !== name),
    );
    const own = secrets.get(image.name) ?? [];
    const isSecret = ([name]: readonly [string, string]): boolean => own.some(({ variable }) => variable === name);
    const port = ports.get(image.name);
    return [
      image.name,
      {
        port: port?.port,
        portFrom: port?.from,
        dependencies: uses,
        peers,
        environment: Object.fromEntries(
          kept.filter((entry) => !isSecret(entry)).map(([name, value]) => [name, renamed(value, images, runs, ports)]),
        ),
        secrets: own.map((secret) => ({ ...secret, value: renamed(secret.value, images, runs, ports) })),
      },
    ];
  });
  return { dependencies: [...used.values()], links: new Map(links), passwords };
}

function runOf(image: FoundImage, runs: readonly Run[]): Run | undefined {
  return image.run ?? runs.find(({ name, build }) => build === undefined && name === image.name);
}

function portOf(
  { dockerfile, target, buildArgs }: FoundImage,
  run: Run | undefined,
  { read }: Pick<Repository, "read">,
): { port: number | undefined; from: string | undefined } {
  const text = read(dockerfile) ?? "";
  const exposed = exposedPort(text, { target, buildArgs });
  const [said] = run?.ports ?? [];
  // Several containers of one image may listen at a port each.
  if (exposed !== undefined && (said === undefined || run?.ports.includes(exposed) === true))
    return { port: exposed, from: undefined };
  if (said !== undefined) return { port: said, from: run?.file };
  if (exposed !== undefined) return { port: exposed, from: undefined };
  const environment = /^\s*ENV\s+(?:.*\s)?PORT[= ]"?(\d{2,5})\b/im.exec(text)?.[1];
  if (environment !== undefined) return { port: Number(environment), from: "PORT in its Dockerfile" };
  const base = baseImage(text);
  const served =
    base === undefined
      ? undefined
      : serverImages.find(({ image, always }) => image.test(base) && (always || run === undefined))?.port;
  return served === undefined ? { port: undefined, from: undefined } : { port: served, from: `of ${base}` };
}

/** Images that say themselves where they listen. What only some programs in them do, a container that tells its ports knows. */
const serverImages = [
  { image: /(^|\/)nginx-unprivileged\b/, port: 8080, always: true },
  { image: /(^|\/)(nginx|httpd|caddy|wordpress)\b|(^|\/)php:[\w.-]*apache/, port: 80, always: true },
  { image: /(^|\/)(tomcat|jetty)\b/, port: 8080, always: true },
  { image: /dotnet\/aspnet:(8|9|1\d)\b/, port: 8080, always: false },
] as const;

function baseImage(dockerfile: string | undefined): string | undefined {
  return [...(dockerfile ?? "").matchAll(/^\s*FROM\s+(?:--\S+\s+)*(\S+)/gim)].at(-1)?.[1];
}

function useOf(name: string, environment: readonly (readonly [string, string])[], file: string): DependencyUse {
  const exact = environment.find(([, value]) => new RegExp(`^${name}:\\d+$`).test(value));
  return {
    variable: exact?.[0] ?? addressVariable(name, undefined),
    isRead: exact !== undefined,
    because: file,
  };
}

function isAddress(variable: string): boolean {
  return /_ADDR(ESS)?$/.test(variable);
}

function addressVariable(name: string, variable: string | undefined): string {
  return variable !== undefined && isAddress(variable)
    ? variable
    : `${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}_ADDRESS`;
}

function nameOf(image: string): string | undefined {
  const known = knownImage(image);
  return known?.kind === "dependency" ? known.name : undefined;
}

/** What runs where the repository names no image. */
const imagesOf: Readonly<Record<string, string>> = {
  postgres: "postgres:17-alpine",
  redis: "redis:8-alpine",
  valkey: "valkey/valkey:9-alpine",
  mysql: "mysql:8.4",
  mariadb: "mariadb:11.8",
  mongo: "mongo:8",
  rabbitmq: "rabbitmq:4-alpine",
  nats: "nats:2.12-alpine",
  memcached: "memcached:1.6-alpine",
};

const sourceFile = /\.(go|js|mjs|cjs|ts|py|java|kt|rs|rb|php|cs|ex|exs|ya?ml|properties|toml|env|env\.example)$/;
const environmentVariable =
  /(?:getenv|Getenv|LookupEnv|environ(?:\.get)?|ENV|env|System\.getenv|GetEnvironmentVariable|std::env::var|fetch)\s*[.([]{1,2}\s*["']?([A-Z][A-Z0-9_]{3,60})|\$\{([A-Z][A-Z0-9_]{3,60})(?::[^}]*)?\}/g;

/** The variables that are named after a dependency: variable → dependency. */
function ofDependencies(variables: ReadonlySet<string>): Map<string, string> {
  return new Map(
    [...variables].flatMap((variable) => {
      const dependency = dependencyOfVariable(variable);
      return dependency !== undefined && /ADDR|HOST|URL|URI|DSN|ENDPOINT|SERVER|CONNECTION|BROKER/.test(variable)
        ? [[variable, dependency] as const]
        : [];
    }),
  );
}

/** The variables that the code beside a Dockerfile reads. */
function readInCode({ dockerfile }: FoundImage, { read, under }: Pick<Repository, "read" | "under">): Set<string> {
  const directory = dockerfile.includes("/") ? dockerfile.replace(/\/[^/]*$/, "") : "";
  // Of a Dockerfile at the root, it is not known which code is its own.
  const files =
    directory === ""
      ? []
      : under(directory)
          .filter((file) => sourceFile.test(file))
          .slice(0, 400);
  return new Set(
    files.flatMap((file) =>
      [...(read(file) ?? "").matchAll(environmentVariable)].map(([, called, braced]) => called ?? braced ?? ""),
    ),
  );
}

/** Hosts by the names that the services have here, at the ports that they listen on. */
function renamed(
  value: string,
  images: readonly FoundImage[],
  runs: readonly Run[],
  ports: ReadonlyMap<string, { readonly port: number | undefined }>,
): string {
  return images.reduce((text, image) => {
    const run = runOf(image, runs);
    if (run === undefined) return text;
    const named = run.name === image.name ? text : replaceHost(text, run.name, image.name);
    const port = ports.get(image.name)?.port;
    // A Service of Kubernetes may listen elsewhere than its containers; here it does not.
    const [, told] = new RegExp(`(?:^|[/@=,\\s])${image.name}:(\\d+)`).exec(named) ?? [];
    return told === undefined || port === undefined || run.ports.includes(Number(told))
      ? named
      : named.replace(`${image.name}:${told}`, `${image.name}:${port}`);
  }, value);
}
