import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeDockerConfig } from "../../../cli/registry/docker-config.ts";
import { temporaryDirectory, writeFileAtomically } from "../../../core/atomic-file.ts";
import { locateImages, repositoryOfReference } from "../../../core/image-name.ts";
import { outputOf, runProcess } from "../../../core/process.ts";
import { providedName } from "./mirror/provided-images.ts";

/** An image that this machine cannot pull, and the file that has it. */
export interface ProvidedImage {
  /** As Dockerfiles and stack files name it, e.g. `postgres:17`. */
  readonly image: string;
  readonly file: string;
}

/** @param options as on the command line, `IMAGE=FILE`. @throws Error with all that is wrong in them */
export function parseProvidedImages(options: readonly string[]): ProvidedImage[] {
  const read = options.map((option) => {
    const at = option.indexOf("=");
    const [image, file] = at === -1 ? [option, ""] : [option.slice(0, at), option.slice(at + 1)];
    const problem = providedProblem(image, file);
    return problem === undefined ? { image, file } : { problem: `--image ${JSON.stringify(option)}: ${problem}` };
  });
  const problems = read.flatMap((one) => ("problem" in one ? [one.problem] : []));
  if (problems.length > 0) throw new Error(problems.join("\n       "));
  return read.flatMap((one) => ("problem" in one ? [] : [one]));
}

function providedProblem(image: string, file: string): string | undefined {
  if (file === "")
    return "must be the name of an image and the file that has it, e.g. postgres:17=postgres.tar, made by `docker save`";
  if (!/^[\w./:-]+$/.test(image) || !/^[a-z0-9./:_-]+$/.test(repositoryOfReference(image)))
    return `${JSON.stringify(image)} is not the name of an image as Dockerfiles have it, with a tag and without a digest`;
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return `there is no file ${file}`;
  return found.isFile() ? undefined : `${file} is no file`;
}

const listSchema = z.array(z.string());

function listOf(stateDir: string): string {
  return join(stateDir, "provided-images.json");
}

/** Those that users have provided to this sandbox. */
export function providedImages(stateDir: string): readonly string[] {
  const file = listOf(stateDir);
  return existsSync(file) ? listSchema.parse(JSON.parse(readFileSync(file, "utf8"))) : [];
}

/** Where the sandbox's own registry has a provided image: a reference that pods can pull. */
export function providedReference(registryHost: string, image: string): string {
  const repository = repositoryOfReference(image);
  const { host, name } = locateImages(repository);
  return `${registryHost}/${providedName(host, name)}${image.slice(repository.length) || ":latest"}`;
}

/** What is in an archive: that of `docker save`, or an OCI layout as `skopeo` and `docker buildx` write it. */
type Archive = "docker" | "oci";

export interface ProvideOptions {
  readonly stateDir: string;
  readonly images: readonly ProvidedImage[];
  /** Path of the tool. */
  readonly crane: string;
  /** The sandbox's own registry. */
  readonly registry: { readonly host: string; readonly username: string; readonly password: string };
}

/**
 * Puts images into the sandbox's registry, where builds and pods find them by their usual names.
 * @throws Error for a file that holds no image, or several
 */
export async function provideImages({ stateDir, images, crane, registry }: ProvideOptions): Promise<void> {
  if (images.length === 0) return;
  const { host, ...login } = registry;
  using config = writeDockerConfig([{ host, login }], { HOME: join(stateDir, "no-home") });
  for (const { image, file } of images) {
    using unpacked = temporaryDirectory("delivery-image-");
    const listed = (await outputOf("tar", ["--list", "--file", file]))
      .split("\n")
      .map((path) => path.replace(/^\.\//, ""));
    const archive: Archive | undefined = listed.includes("manifest.json")
      ? "docker"
      : listed.includes("oci-layout")
        ? "oci"
        : undefined;
    if (archive === undefined)
      throw new Error(`--image ${image}=${file}: holds no image; write it with \`docker save ${image} -o ${file}\``);
    if (archive === "oci") await outputOf("tar", ["--extract", "--file", file, "--directory", unpacked.path]);
    const source = archive === "oci" ? unpacked.path : file;
    const { code, stderr } = await runProcess(crane, ["push", source, providedReference(host, image)], {
      env: { ...process.env, DOCKER_CONFIG: config.path },
    });
    if (code !== 0)
      throw new Error(
        `--image ${image}=${file}: ${stderr
          .toString()
          .trim()
          .split("\n")
          .at(-1)
          ?.replace(/^Error: /, "")}`,
      );
  }
  const known = [...new Set([...providedImages(stateDir), ...images.map(({ image }) => image)])].toSorted();
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  writeFileAtomically(listOf(stateDir), JSON.stringify(known));
}

/** Takes an image from a Docker daemon of this machine, where one runs and has it. @returns whether it does */
export async function saveFromDocker(image: string, file: string): Promise<boolean> {
  return runProcess("docker", ["image", "save", "--output", file, image], { timeoutSeconds: 600 }).then(
    ({ code }) => code === 0,
    // There is no Docker client.
    () => false,
  );
}
