/** An image name in its full form, as `docker push` understands it. */
export interface ImageName {
  /** The registry's host with its port, e.g. `localhost:5001`; Docker Hub is `docker.io`. */
  registry: string;
  /** The path within the registry, e.g. `acme/link`. */
  path: string;
  /** @default none: the registry takes it as `latest`. */
  tag?: string;
  /** The whole name, e.g. `docker.io/acme/link:1.2`. */
  full: string;
  /** The name without its tag, e.g. `docker.io/acme/link`. */
  repository: string;
}

const pathPart = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const remote = new RegExp(`^(${pathPart}(?:/${pathPart})*)(?::(\\w[\\w.-]{0,127}))?$`);
const hostPart = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const host = new RegExp(`^(?:${hostPart}(?:\\.${hostPart})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);

/**
 * Parses an image name by Docker's rules: without a host it is one of Docker Hub's, and one word there is `library/<word>`.
 *
 * @throws Error that names the faulty part of the name.
 */
export function parseImageName(name: string): ImageName {
  if (name.includes("@"))
    throw new Error(
      `the image name "${name}" has a digest, which only the registry can give: leave out everything from "@" on`,
    );
  if (/^[a-f0-9]{64}$/.test(name)) throw new Error(`the image name "${name}" looks like an image's id: give it a name`);
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const isHost = first === "localhost" || /[.:]/.test(first) || first !== first.toLowerCase();
  const registry = !isHost || first === "index.docker.io" ? "docker.io" : first;
  const given = isHost ? name.slice(slash + 1) : name;
  const rest = registry === "docker.io" && !given.includes("/") ? `library/${given}` : given;
  const [, path, tag] = remote.exec(rest) ?? [];
  if (!host.test(registry))
    throw new Error(
      `the image name "${name}" has an invalid registry "${registry}": a host such as docker.io or localhost:5001 is needed`,
    );
  if (path === undefined) {
    const repository = given.split(":", 1)[0] ?? "";
    throw new Error(
      repository === repository.toLowerCase()
        ? `the image name "${name}" is not a valid reference: "${given}" must be of the form organization/name:tag`
        : `the image name "${name}" is not a valid reference: "${repository}" must be in lower case`,
    );
  }
  if (path.length > 255)
    throw new Error(`the image name "${name}" is longer than the 255 characters that registries take`);
  const repository = `${registry}/${path}`;
  return {
    registry,
    path,
    ...(tag === undefined ? {} : { tag }),
    full: tag === undefined ? repository : `${repository}:${tag}`,
    repository,
  };
}

/** The registry's host of a server given as an URL, a host, or a host with a path (as ECR's repository URL). */
export function registryHost(server: string): string {
  if (server.includes("://") && URL.canParse(server)) return new URL(server).host;
  return server.split("/", 1)[0] ?? server;
}

/** Whether the registry is reached on this machine only, where Docker speaks plain HTTP. */
export function isLoopback(registry: string): boolean {
  const name = registry.replace(/:\d+$/, "");
  return name === "localhost" || name === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(name);
}
