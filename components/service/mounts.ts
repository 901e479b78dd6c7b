import { posix } from "node:path";
import { z } from "zod";
import type { Problem } from "../../core/problem.ts";
import { bytesSchema } from "./resources.ts";

const pathHint = "Must be an absolute path such as /var/cache, without '.', '..', ':' and a slash at its end";

/** Where in a container something is mounted. */
export const mountPathSchema = z
  .string(pathHint)
  .refine(
    (path) => path !== "/" && posix.isAbsolute(path) && posix.normalize(path) === path && !/[:\n]|\/$/.test(path),
    pathHint,
  )
  .refine((path) => !/^\/(proc|sys)(\/|$)/.test(path), "Is the kernel's, in which nothing can be mounted");

/** Directories that a service writes to, each an empty one at every start of a pod. */
export const scratchSchema = z.array(
  z.union(
    [
      mountPathSchema.transform((path) => ({ path })),
      z.strictObject({
        path: mountPathSchema,
        /** A pod that writes more is evicted. @default 64Mi */
        size: bytesSchema.exactOptional(),
      }),
    ],
    "Must be an absolute path such as /var/cache, or {path, size}",
  ),
  "Must be a list of directories",
);
export type ScratchDirectory = { readonly path: string; readonly size?: string | undefined };

/** The directory that every service can write to. */
const temporary: ScratchDirectory = { path: "/tmp" };

/** The directories that are empty at every start: `/tmp`, unless a volume is there, and the service's own. */
export function scratchDirectories({
  scratch = [],
  volumes = {},
}: {
  readonly scratch?: readonly ScratchDirectory[] | undefined;
  readonly volumes?: Readonly<Record<string, { readonly path: string }>> | undefined;
}): readonly ScratchDirectory[] {
  const isTaken = [...scratch, ...Object.values(volumes)].some(({ path }) => path === temporary.path);
  return isTaken ? scratch : [temporary, ...scratch];
}

/** Something that is mounted into a container. */
export interface Mount {
  readonly path: string;
  readonly isFile: boolean;
  /** Where the setting stands. */
  readonly location: string;
}

/** Mounts at one path, and those below a file, of which no container could start. */
export function mountProblems(mounts: readonly Mount[]): Problem[] {
  return mounts.flatMap(({ path, location }, index) => {
    const twin = mounts.slice(0, index).find((other) => other.path === path);
    if (twin !== undefined)
      return [{ location, message: `${path} is mounted by ${twin.location} already; remove one of them` }];
    const file = mounts.find((other) => other.isFile && path.startsWith(`${other.path}/`));
    return file === undefined
      ? []
      : [
          {
            location,
            message: `${path} lies in ${file.path}, which is a file (${file.location}); give one another path`,
          },
        ];
  });
}
