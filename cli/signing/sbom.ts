import { posix } from "node:path";
import { Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";
import { PackageURL } from "packageurl-js";
import { errorMessage } from "../../core/error.ts";
import { repositoryOfReference } from "../../core/image-name.ts";
import { upwards } from "../affected/source-tree.ts";
import { CommandError } from "../command.ts";
import type { ImageSources } from "./image-sources.ts";
import { isLockFile, lockedPackages } from "./lock-files.ts";
import type { LockedPackage } from "./locked-package.ts";
import type { ImageClaim } from "./statement.ts";

/**
 * What is in an image, as far as its sources say: the packages of its lock files, and the images that it begins with or copies from.
 * It names the image by repository and digest, and no tag, which might be another image tomorrow.
 * @returns a document of CycloneDX 1.6
 * @throws CommandError if a lock file cannot be read
 */
export function sbomOf({ digest, repository }: ImageClaim, sources: ImageSources): unknown {
  const image = new Models.Component(Enums.ComponentType.Container, repository, {
    version: digest,
    purl: imagePurl(repository, digest),
    hashes: new Models.HashDictionary([[Enums.HashAlgorithm["SHA-256"], digest.replace(/^sha256:/, "")]]),
  });
  const lockFiles = [...sources.files.keys()].filter(isLockFile);
  const packages = lockFiles.flatMap((path) => readLockFile(path, sources));
  const components = new Map<string, Models.Component>();
  for (const component of [...packages.map(packageComponent), ...sources.images.map(baseImage)])
    components.set(component.purl ?? component.name, component);
  const bom = new Models.Bom({
    metadata: new Models.Metadata({
      timestamp: new Date(),
      component: image,
      // Made while it was built, of what it is built from; not of what is in its layers.
      lifecycles: new Models.LifecycleRepository([Enums.LifecyclePhase.Build]),
      properties: new Models.PropertyRepository(
        lockFiles.map((path) => new Models.Property("delivery:lock-file", path)),
      ),
    }),
    components: new Models.ComponentRepository(components.values()),
  });
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return JSON.parse(serializer.serialize(bom, { sortLists: true }));
}

function readLockFile(path: string, sources: ImageSources): LockedPackage[] {
  try {
    return lockedPackages(path, sources.read(path), manifestsOf(path, sources));
  } catch (error) {
    throw new CommandError(
      `${path}: is in no form that an SBOM can be made from (${errorMessage(error).split("\n")[0]}); mend it, and run the same command again`,
      { cause: error },
    );
  }
}

const nodeLockFile = /^(package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|(yarn|bun)\.lock)$/;

/** The files package.json to which no other lock file is nearer. */
function manifestsOf(lockFile: string, { files, read }: ImageSources): string[] {
  if (!nodeLockFile.test(posix.basename(lockFile))) return [];
  const lockFiles = [...files.keys()].filter((path) => nodeLockFile.test(posix.basename(path)));
  const locked = new Set(lockFiles.map((path) => posix.dirname(path)));
  return [...files.keys()]
    .filter((path) => posix.basename(path) === "package.json")
    .filter((path) => upwards(posix.dirname(path)).find((at) => locked.has(at)) === posix.dirname(lockFile))
    .map(read);
}

function packageComponent({ type, name, version, hashes }: LockedPackage): Models.Component {
  const parts = name.split("/");
  const namespace = parts.slice(0, -1).join("/");
  const purl = new PackageURL(type, namespace === "" ? null : namespace, parts.at(-1) ?? name, version, null, null);
  return new Models.Component(Enums.ComponentType.Library, name, {
    version,
    purl: purl.toString(),
    bomRef: purl.toString(),
    hashes: new Models.HashDictionary(
      Object.entries(hashes).map(([algorithm, value]) => [
        algorithm === "SHA-256" ? Enums.HashAlgorithm["SHA-256"] : Enums.HashAlgorithm["SHA-512"],
        value,
      ]),
    ),
  });
}

function baseImage(reference: string): Models.Component {
  const name = repositoryOfReference(reference);
  const digest = reference.split("@")[1];
  const [, tag] = /:([^:/]+)$/.exec(reference.split("@")[0] ?? "") ?? [];
  const version = digest ?? tag;
  return new Models.Component(Enums.ComponentType.Container, name, {
    ...(version === undefined ? {} : { version }),
    ...(digest === undefined ? {} : { purl: imagePurl(name, digest) }),
  });
}

/** Source: the type `oci` of https://github.com/package-url/purl-spec */
function imagePurl(repository: string, digest: string): string {
  const name = repository.split("/").at(-1) ?? repository;
  return new PackageURL("oci", null, name, digest, { repository_url: repository }, null).toString();
}
