import type { ImageBuild } from "./build-command.ts";
import type { BuildProgress } from "./build-progress.ts";
import type { RegistryAccess } from "./image-inputs.ts";

const passing =
  /connection reset by peer|broken pipe|unexpected EOF|: EOF$|TLS handshake timeout|i\/o timeout|toomanyrequests|429 Too Many Requests|\b50[0234] [A-Z]/;

/** Whether the same build may well succeed a moment later: not where a step of the Dockerfile fails. */
export function isTransient(progress: BuildProgress): boolean {
  const message = lastMessage(progress);
  return passing.test(message) && !message.startsWith("process ");
}

/** What went wrong in a build, for whoever has to mend it: the cause, the place and the way out. */
export function buildFailure(build: ImageBuild, access: RegistryAccess, progress: BuildProgress): string {
  const message = lastMessage(progress);
  const registry = /failed to (?:push|authorize)|pull access denied|failed to do request|insufficient_scope/.test(
    message,
  );
  if (
    registry &&
    /\b401\b|\b403\b|denied|unauthorized|insufficient_scope|no basic auth/i.test(message) &&
    message.includes(build.image.repository)
  ) {
    const user =
      access.username === "" || access.password === "" ? "without credentials" : `as user "${access.username}"`;
    return `the registry ${build.image.registry} refuses ${build.image.full} ${user} (${message}): set registry.username and registry.password of the image to an account that may push to ${build.image.path}`;
  }
  if (
    /connection refused|no such host|network is unreachable|no route to host|i\/o timeout|server misbehaving/.test(
      message,
    ) &&
    !message.includes("listing workers")
  ) {
    const host = /https?:\/\/([^/"]+)/.exec(message)?.[1] ?? build.image.registry;
    return `the registry ${host} cannot be reached (${message}): check that it runs and that its address is right, then run again; what is built already is kept`;
  }
  if (/listing workers|failed to list workers/.test(message)) {
    return `BuildKit does not answer (${message}): see its log, and start the sandbox again`;
  }
  return described(build, progress, message);
}

function described(build: ImageBuild, progress: BuildProgress, message: string): string {
  const failure = progress.failedStep(message);
  const missing = /failed to resolve source metadata for (\S+): .*not found/.exec(message)?.[1];
  const excerpt = progress.messages().slice(0, -1);
  return [
    `building ${build.image.full} from ${build.dockerfile} failed: ${message}`,
    ...(missing === undefined
      ? []
      : [`The base image ${missing} is not in the registry: check its name and tag, or push it there.`]),
    ...(failure === undefined || failure.lastLines.length === 0
      ? []
      : [`The step ${failure.step} ended with:`, ...failure.lastLines.map((line) => `  ${line}`)]),
    ...excerpt,
  ].join("\n");
}

function lastMessage(progress: BuildProgress): string {
  const last =
    progress.messages().findLast((line) => line.startsWith("error: ")) ??
    progress.messages().at(-1) ??
    "BuildKit ended without a message";
  return last.replace(/^error: (?:failed to solve: )?/, "");
}
