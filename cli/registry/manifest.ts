/** What a registry tells of an image or of several for different platforms: the parts that matter here. */
export interface ManifestContent {
  readonly manifests?: readonly Descriptor[];
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
}

interface Descriptor {
  readonly digest: string;
  readonly mediaType?: string;
  readonly platform?: { readonly os?: string };
  readonly annotations?: Readonly<Record<string, string>>;
  /** Where else it is: layers that no registry may pass on. */
  readonly urls?: readonly string[];
}

/** A registry answers an OCI manifest only if it is named here. */
export const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

const imageConfigs = new Set([
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
  undefined,
]);

/** Whether it can run: a build cache, a chart or another artifact has a configuration of another type. */
export function isImage({ config }: ManifestContent): boolean {
  return config !== undefined && imageConfigs.has(config.mediaType);
}

/** The images that an index leads to, by digest; beside them it may list what a builder attests of them. */
export function platformImages({ manifests = [] }: ManifestContent): string[] {
  return manifests
    .filter(
      ({ platform, annotations, mediaType }) =>
        platform?.os !== "unknown" &&
        annotations?.["vnd.docker.reference.type"] === undefined &&
        (mediaType === undefined || manifestTypes.includes(mediaType)),
    )
    .map(({ digest }) => digest);
}

/** What a node has to load to run the image: its configuration and its layers. */
export function blobsOf({ config, layers = [] }: ManifestContent): string[] {
  const needed = [...(config === undefined ? [] : [config]), ...layers.filter(({ urls = [] }) => urls.length === 0)];
  return [...new Set(needed.map(({ digest }) => digest))];
}
