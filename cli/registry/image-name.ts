/** Where on which registry a repository of images is. */
export interface ImageLocation {
  /** The registry as it appears in image names and in Docker's config file. */
  readonly host: string;
  /** The base URL of its API. */
  readonly url: string;
  /** The name on that registry, e.g. `acme/shop-link`. */
  readonly name: string;
}

/** Reads `docker.io/acme/shop-link` or `localhost:5001/acme/shop-link` as Docker does: registries on this machine speak plain HTTP. */
export function locateImages(repository: string): ImageLocation {
  const [first = "", ...rest] = repository.split("/");
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const host = hasHost ? first : "docker.io";
  const path = hasHost ? rest.join("/") : repository;
  if (host === "docker.io" || host === "index.docker.io") {
    return {
      host: "docker.io",
      url: "https://registry-1.docker.io",
      name: path.includes("/") ? path : `library/${path}`,
    };
  }
  const local = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host);
  return { host, url: `${local ? "http" : "https"}://${host}`, name: path };
}
