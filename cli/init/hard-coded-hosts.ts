import { posix } from "node:path";
import type { Repository } from "./repository.ts";

/** Source and configuration, without what only Compose or Kubernetes reads: hosts in those can be renamed. */
const readByPrograms = /\.(go|js|mjs|cjs|ts|tsx|py|java|kt|rs|rb|php|cs|ex|exs|ya?ml|properties|toml|conf|json)$/;
const isOther =
  /(^|\/)((docker-)?compose[\w.-]*\.ya?ml|package(-lock)?\.json|node_modules|vendor|docs?|k8s|kubernetes|kustomize|manifests|helm|charts?|deploy(ments?)?|\.github|\.circleci)(\/|$)/i;
const mostFiles = 3000;

interface NamedImage {
  readonly name: string;
  readonly dockerfile: string;
  readonly run: { readonly name: string } | undefined;
}

/**
 * The images under the names by which code calls them, where it has these written into it: `http://cart-service:8080` finds no
 * service that is called `cart`, and no variable could tell it otherwise.
 */
export function withHardCodedNames<Image extends NamedImage>(
  images: readonly Image[],
  { files, read }: Pick<Repository, "files" | "read">,
): readonly Image[] {
  const taken = new Set(images.map(({ name }) => name));
  const candidates = new Map(
    images.flatMap((image) =>
      [posix.basename(posix.dirname(image.dockerfile)), image.run?.name ?? ""]
        .filter((host) => /^[a-z]([-a-z0-9]{0,48}[a-z0-9])?$/.test(host) && !taken.has(host))
        .map((host) => [host, image] as const),
    ),
  );
  if (candidates.size === 0) return images;
  const hosts = [...candidates.keys()].join("|");
  // In a URL, or as host:port at the beginning of a text.
  const address = new RegExp(
    `(?:\\b[a-z]+://|["'\`])(${hosts})(?=:\\d{2,5}\\b|/)|\\b[a-z]+://(${hosts})(?=["'\`\\s])`,
    "g",
  );
  const called = new Set<string>();
  for (const file of files.filter((path) => readByPrograms.test(path) && !isOther.test(path)).slice(0, mostFiles))
    for (const [, host, bare] of (read(file) ?? "").matchAll(address)) called.add(host ?? bare ?? "");
  return images.map((image) => {
    const name = [...called].find((host) => candidates.get(host) === image);
    return name === undefined ? image : { ...image, name };
  });
}
