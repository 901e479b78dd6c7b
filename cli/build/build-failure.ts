import { locateImages, repositoryOfReference } from "../../core/image-name.ts";
import { pullVariables } from "../../core/names.ts";
import type { Builder, ImageBuild } from "./builders.ts";

const transient =
  /connection refused|connection reset|broken pipe|\bEOF\b|TLS handshake timeout|i\/o timeout|deadline exceeded|server misbehaving|temporary failure|toomanyrequests|\b(?:429|5\d\d) [A-Z]|status(?: code)?:? (?:429|5\d\d)/i;
const daemonIsGone =
  /listing workers|failed to list workers|cannot connect to the docker daemon|connection error: desc|failed to dial|failed to find builder|^context deadline exceeded$/i;
const limited = /\b429\b|toomanyrequests|too many requests|rate limit/i;
/** Of hours, not of seconds: another attempt only uses up more of it. */
const pullLimit = /pull rate limit/i;
const immutable = /immutab|cannot be (?:overwritten|updated|changed)|tag \S+ (?:is )?already (?:assigned|exists)/i;
const denied = /\b40[13]\b|denied|unauthorized|insufficient_scope|no basic auth|authorization failed/i;
/** What a kernel, or BuildKit's own emulator, says of a program of another architecture. */
const foreignProgram = /exec format error|Invalid ELF image/i;
const onePlatformOnly = /multi-platform build is not supported|multiple platforms feature is currently not supported/i;
const noVariant = /no match for platform/i;
const missing = /\bnot found\b|\b404\b|manifest unknown|name unknown|does not exist/i;
const registryIsAsked =
  /failed to (?:push|authorize|do request|resolve source metadata|fetch|copy)|pushing|pull access|unexpected status|\/v2\//;

/** The builder's own error message, or else the last line that it wrote. */
export function builderMessage(output: readonly string[]): string {
  const last =
    output.findLast((line) => /^error: /i.test(line)) ?? output.findLast((line) => line.trim() !== "") ?? "no message";
  return last.replace(/^error: (?:failed to build: )?(?:failed to solve: )?/i, "");
}

/** Whether the same build may well succeed a moment later: not where a step of the Dockerfile fails. */
export function isTransient(message: string): boolean {
  return transient.test(message) && !daemonIsGone.test(message) && !pullLimit.test(message) && !isFailedStep(message);
}

function isFailedStep(message: string): boolean {
  return message.startsWith("process ");
}

/**
 * The message for a failed build: the image, the reason, and what to do.
 * @param output the lines of the last attempt
 */
export function buildFailure(build: ImageBuild, builder: Builder, output: readonly string[], attempts: number): string {
  const message = builderMessage(output);
  const { repository: image } = build;
  const tried = attempts > 1 ? `, tried ${attempts} times` : "";
  if (daemonIsGone.test(message))
    return `${image} is not built: ${builder.daemon} does not answer (${message}); check that it runs, and run the same command again`;
  const platforms = build.platforms.join(", ");
  if (onePlatformOnly.test(message))
    return `${image} is not built: the builder of Docker that is in use makes no image for several platforms (${platforms}); choose one that does by \`docker buildx create --use\`, or turn on Docker's containerd image store`;
  if (isFailedStep(message) && [message, ...output].some((line) => foreignProgram.test(line)))
    return [
      `${image} is not built for ${platforms}: a step of ${build.dockerfile} runs a program of another platform than the builder's own, which has no emulation (${message}); begin the stage that runs it with \`FROM --platform=$BUILDPLATFORM\` and cross-compile there, install emulation for the builder (tonistiigi/binfmt), or leave that platform out of images.platforms`,
      ...excerpt(output),
    ].join("\n");
  const secret = /^secret (\S+): not found$/.exec(message)?.[1];
  if (secret !== undefined)
    return `${image} is not built: a step of ${build.dockerfile} needs the secret ${secret}, which nobody gives; name a secret of the stack in \`build.secrets.${secret}\` of its service.yaml`;
  const reason =
    isFailedStep(message) || !registryIsAsked.test(message)
      ? undefined
      : registryFailure(build, output, message, tried);
  return (
    reason ?? [`${image} is not built from ${build.dockerfile}${tried}: ${message}`, ...excerpt(output)].join("\n")
  );
}

/** @returns `undefined`: a registry was asked, but it is not the cause */
function registryFailure(
  build: ImageBuild,
  output: readonly string[],
  message: string,
  tried: string,
): string | undefined {
  const { repository: image } = build;
  const pulled = pulledImage(build, output, message);
  return pulled === undefined ? pushFailure(image, message, tried) : pullFailure(build, pulled, message, tried);
}

function pushFailure(image: string, message: string, tried: string): string | undefined {
  const { host } = locateImages(image);
  // A refusal to change a tag may say "denied", too.
  if (immutable.test(message)) {
    const tag = /failed to push \S+:([\w.-]+): /.exec(message)?.[1];
    return `${image} is not pushed: the registry ${host} has ${tag === undefined ? "the tag" : `tag ${tag}`} already and lets nobody change it (${message}); release what is there, build with another --build-number, or exempt the commits' tags from immutability`;
  }
  if (limited.test(message))
    return `${image} is not pushed: the registry ${host} limits requests, and the limit is reached${tried} (${message}); run the same command again later`;
  if (denied.test(message))
    return `${image} is not pushed: the registry ${host} refuses it (${message}); check DOCKERHUB_USERNAME and DOCKERHUB_PASSWORD, and that this account may push there`;
  if (missing.test(message))
    return `${image} is not pushed: the registry ${host} has no such repository, and makes none by a push (${message}); create it there, or correct images.organization`;
  if (isTransient(message))
    return `${image} is not pushed: the registry ${host} cannot be reached or stumbles${tried} (${message}); run the same command again when it is back`;
  return undefined;
}

function pullFailure(
  { repository: image, platforms: wanted }: ImageBuild,
  { host, name }: PulledImage,
  message: string,
  tried: string,
): string | undefined {
  const platforms = wanted.join(", ");
  const login = `${pullVariables.username} and ${pullVariables.password}${host === "docker.io" ? "" : ` with ${pullVariables.registry}=${host}`}`;
  const failed = `${image} is not built: ${name === "" ? "an image that it is built on" : name} cannot be pulled`;
  if (limited.test(message))
    return `${failed}: the registry ${host} limits pulls, and the limit is reached${tried} (${message}); set ${login} to a login that may read, which has a higher limit, or run the same command again later`;
  if (denied.test(message))
    return `${failed}: the registry ${host} does not give it to everybody, or does not have it (${message}); correct its name in the Dockerfile, or set ${login} to a login that may read it`;
  if (isTransient(message))
    return `${failed}: the registry ${host} cannot be reached or stumbles${tried} (${message}); run the same command again when it is back`;
  if (noVariant.test(message))
    return `${failed}: it is not there for every platform of ${platforms} (${message}); take another image, or leave that platform out of images.platforms`;
  if (missing.test(message))
    return `${failed}: the registry ${host} does not have it (${message}); correct its name in the Dockerfile`;
  return undefined;
}

/** An image that a build takes. */
interface PulledImage {
  /** The registry as image names have it. */
  readonly host: string;
  /** As the builder names it; empty: it does not. */
  readonly name: string;
}

/**
 * What was being pulled; `undefined`: the image itself was being pushed. The builder names the step that failed, the image,
 * the address that it asked, or the scope of the token that it wanted.
 */
function pulledImage(build: ImageBuild, output: readonly string[], message: string): PulledImage | undefined {
  if (/failed to push|push access|pushing/.test(message)) return undefined;
  const heading = output.findLast((line) => line.startsWith(" > ") && !line.includes("importing cache")) ?? "";
  const step = /^ > (?:\[[^\]]{0,200}\] )?(?:load metadata for|FROM|resolve image config for) (\S+?):?$/.exec(
    heading,
  )?.[1];
  const named = step ?? /failed to resolve source metadata for (\S+): /.exec(message)?.[1];
  if (named !== undefined) {
    const name = named.replace(/^docker-image:\/\//, "");
    return { host: locateImages(repositoryOfReference(name)).host, name };
  }
  if (/exporting to image|\b(?:PUT|POST|PATCH|HEAD) request to/.test(`${heading} ${message}`) && build.push)
    return undefined;
  const asked = /https?:\/\/([^/\s"]+)\/v2\/([^\s"]+?)\/(?:manifests|blobs)\//.exec(message);
  const [, host = "", repository = ""] = asked ?? [];
  if (asked !== null) {
    const known = host.endsWith("docker.io") ? "docker.io" : host;
    return build.push && build.repository === `${known}/${repository}`
      ? undefined
      : { host: known, name: `${known}/${repository}` };
  }
  const scope = /scope=repository(?:%3A|:)([^&\s"]+?)(?:%3A|:)pull((?:%2C|,)push)?/i.exec(message);
  if (scope?.[2] !== undefined || (build.push && scope === null && !/pull access/.test(message))) return undefined;
  const first = /^([\w.-]+(?::\d+)?(?:\/[\w.-]+)*(?:[:@][\w.:-]+)?): /.exec(message)?.[1];
  const name = first ?? (scope?.[1] === undefined ? "" : decodeURIComponent(scope[1]));
  return { host: name === "" ? "that it asked" : locateImages(repositoryOfReference(name)).host, name };
}

/** What BuildKit repeats at the end: the last lines of the failing step, and its lines in the Dockerfile. */
function excerpt(output: readonly string[]): string[] {
  const heading = output.findLastIndex((line) => line.startsWith(" > "));
  if (heading === -1) return [];
  const end = output.findLastIndex((line) => /^error: /i.test(line));
  return output
    .slice(heading, end === -1 ? undefined : end)
    .filter((line) => !/^-{3,}$/.test(line))
    .map((line) => `  ${line}`);
}
