import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { readFileSync, realpathSync, statSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { z } from "zod";
import type { Problem } from "../../core/problem.ts";
import { isPlainText } from "../../core/setting-values.ts";
import { mountPathSchema } from "./mounts.ts";

const sources = ["content", "file", "secret"] as const;

/** Files in the container of a service, by their paths there. */
export const filesSchema = z.record(
  mountPathSchema,
  z
    .strictObject(
      {
        /** What is in it. */
        content: z.string("Must be a string; quote it").exactOptional(),
        /** A file of the monorepo with the same content, from the directory of the service. */
        file: z.string("Must be a path from the directory of the service").min(1, "Must not be empty").exactOptional(),
        /** The secret of the stack that is in it. */
        secret: z.string("Must be the name of a secret of the stack").min(1, "Must not be empty").exactOptional(),
      },
      "Must be {content}, {file} or {secret}",
    )
    .refine(
      (file) => sources.filter((source) => file[source] !== undefined).length === 1,
      "Must have exactly one of content, file and secret",
    ),
  "Must be a map of paths in the container, such as {/etc/app/config.yaml: {file: config.yaml}}",
);
type FilesSettings = z.infer<typeof filesSchema>;

/** What a file in a container holds. */
export type MountedFile =
  | { readonly text: string }
  /** In Base64. */
  | { readonly binary: string }
  /** The name of a secret of the stack. */
  | { readonly secret: string };

/** The files in a service's container, by their paths there. */
export type MountedFiles = Readonly<Record<string, MountedFile>>;

/** What of the files goes through Git and into a ConfigMap, and what goes into a Secret, by keys that both take. */
export interface FileKeys {
  readonly plain: Readonly<Record<string, Exclude<MountedFile, { readonly secret: string }>>>;
  /** Key → name of a secret of the stack. */
  readonly secret: Readonly<Record<string, string>>;
}

export function fileKeys(files: MountedFiles = {}): FileKeys {
  const plain: Record<string, Exclude<MountedFile, { readonly secret: string }>> = {};
  const secret: Record<string, string> = {};
  for (const [path, file] of Object.entries(files))
    if ("secret" in file) secret[fileKey(path)] = file.secret;
    else plain[fileKey(path)] = file;
  return { plain, secret };
}

/** The key of a file's content: two paths never have the same. */
export function fileKey(path: string): string {
  const hash = createHash("sha256").update(path).digest("hex").slice(0, 8);
  return `${hash}-${basename(path).replaceAll(/[^-._A-Za-z0-9]/g, "_")}`.slice(0, 253);
}

/** What a ConfigMap takes, less what else is in it. Source: https://kubernetes.io/docs/concepts/configuration/configmap/ */
const mostBytes = 1000 * 1024;

interface ReadArgs {
  /** The directory of the service, and the monorepo, relative to the program. */
  readonly directory: string;
  readonly root: string;
  /** Whether Git ignores a path, which is relative to the monorepo. */
  readonly isIgnored: (path: string) => boolean;
  /** Where a setting stands. */
  readonly origin: (...path: readonly string[]) => string;
  /** What is wrong is added. */
  readonly problems: Problem[];
}

/** What is in the files of a service; those of the monorepo are read. */
export function readFiles(files: FilesSettings, args: ReadArgs): MountedFiles {
  const read = Object.entries(files).flatMap(([path, { content, file, secret }]): [string, MountedFile][] => {
    if (secret !== undefined) return [[path, { secret }]];
    if (content !== undefined) return [[path, { text: content }]];
    const bytes = file === undefined ? undefined : readSource(path, file, args);
    return bytes === undefined ? [] : [[path, mountedFile(bytes)]];
  });
  const found = Object.fromEntries(read);
  const size = Object.values(fileKeys(found).plain).reduce((sum, file) => sum + sizeOf(file), 0);
  if (size > mostBytes)
    args.problems.push({
      location: args.origin("files"),
      message: `has ${Math.ceil(size / 1024)} KiB, and the cluster keeps at most ${mostBytes / 1024} of a service; let its Dockerfile copy them into the image`,
    });
  return found;
}

function readSource(
  path: string,
  file: string,
  { directory, root, isIgnored, origin, problems }: ReadArgs,
): Buffer | undefined {
  const at = join(directory, file);
  const problem = (message: string): undefined => {
    problems.push({ location: origin("files", path, "file"), message: `${JSON.stringify(file)}: ${message}` });
    return undefined;
  };
  const within = relative(root, at);
  if (leadsOut(within)) return problem("leads out of the monorepo; name a file in it");
  if (statSync(at, { throwIfNoEntry: false })?.isFile() !== true)
    return problem(`there is no such file at ${at}; correct the path, which counts from ${directory}`);
  // A link in a pull request could otherwise show what else the machine has that previews it.
  const real = relative(realpathSync(root), realpathSync(at));
  if (leadsOut(real)) return problem("is a link that leads out of the monorepo; name a file in it");
  for (const name of [within, real])
    if (isIgnored(name) || name.split("/").includes(".git"))
      return problem("Git does not have it, and so CI has not; take it out of .gitignore, or name another");
  return readFileSync(at);
}

function leadsOut(path: string): boolean {
  return path === ".." || path.startsWith("../");
}

/** What does not arrive as it is when it is written as text goes in Base64. */
function mountedFile(bytes: Buffer): MountedFile {
  const text = bytes.toString("utf8");
  return isUtf8(bytes) && isPlainText(text) ? { text } : { binary: bytes.toString("base64") };
}

function sizeOf(file: Exclude<MountedFile, { readonly secret: string }>): number {
  return "text" in file ? Buffer.byteLength(file.text) : file.binary.length;
}
