import { hostsInSource } from "./hosts.ts";
import type { Repository } from "./repository.ts";

/** Source and configuration, without what only Compose or Kubernetes reads: hosts in those can be renamed. */
const readByPrograms = /\.(go|js|mjs|cjs|ts|tsx|py|java|kt|rs|rb|php|cs|ex|exs|ya?ml|properties|toml|conf|json)$/;
const isOther =
  /(^|\/)((docker-)?compose[\w.-]*\.ya?ml|package(-lock)?\.json|node_modules|vendor|docs?|k8s|kubernetes|kustomize|manifests|helm|charts?|deploy(ments?)?|\.github|\.circleci)(\/|$)/i;
const mostFiles = 3000;

interface NamedImage {
  readonly name: string;
  readonly dockerfile: string;
  readonly run: { readonly name: string; readonly aliases: readonly string[] } | undefined;
}

/**
 * The images under the names by which code calls them, where it has these written into it: `http://cart-service:8080` finds no
 * service that is called `cart`, and no variable could tell it otherwise.
 */
export function withHardCodedNames<Image extends NamedImage>(
  images: readonly Image[],
  { files, read }: Pick<Repository, "files" | "read">,
  folderOf: (dockerfile: string) => string | undefined,
): readonly Image[] {
  const taken = new Set(images.map(({ name }) => name));
  const candidates = new Map(
    images.flatMap((image) =>
      [folderOf(image.dockerfile) ?? "", image.run?.name ?? "", ...(image.run?.aliases ?? [])]
        .filter((host) => /^[a-z]([-a-z0-9]{0,48}[a-z0-9])?$/.test(host) && !taken.has(host))
        .map((host) => [host, image] as const),
    ),
  );
  if (candidates.size === 0) return images;
  const hosts = [...candidates.keys()];
  const called = new Set<string>();
  for (const file of files.filter((path) => readByPrograms.test(path) && !isOther.test(path)).slice(0, mostFiles))
    for (const host of hostsInSource(read(file) ?? "", hosts)) called.add(host);
  return images.map((image) => {
    const name = [...called].find((host) => candidates.get(host) === image);
    return name === undefined ? image : { ...image, name };
  });
}
