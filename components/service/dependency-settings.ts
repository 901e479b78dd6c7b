import { z } from "zod";
import { nonEmpty, variable } from "../../core/problem.ts";
import { userSchema } from "./container.ts";
import { mountPathSchema } from "./mounts.ts";
import { portSchema } from "./ports.ts";
import { volumeSizeSchema } from "./volumes.ts";

const deployedDependencySchema = z.strictObject({
  image: nonEmpty("the image to run, e.g. postgres:17-alpine"),
  port: portSchema,
  /** The secret that services receive as the password. */
  password: z.string().optional(),
  env: z.record(variable, z.string("Must be a string; quote it")).default({}),
  /** Environment variable → name of a secret in `secrets`. */
  secrets: z.record(variable, z.string("Must be the name of a secret")).default({}),
  /** The volume that keeps its data. @default none: data goes with the pod */
  storage: z
    .strictObject({
      size: volumeSizeSchema,
      path: mountPathSchema,
    })
    .optional(),
  /** Directories that it writes to beside its volume, each an empty one at every start. */
  scratch: z.array(mountPathSchema).default([]),
  /** The numeric user of its container. @default 65532 */
  user: userSchema.optional(),
});
const externalDependencySchema = z.strictObject({
  address: z
    .string("Must be host:port")
    .regex(/^[^\s:]+:\d+$/, { error: "Must be host:port", abort: true })
    .refine((address) => portSchema.safeParse(Number(address.split(":")[1])).success, "A port is 1 to 65535"),
  password: z.string().optional(),
});
/** A database or cache, as an environment has it. */
export const dependencySchema = z.union(
  [z.literal("none"), externalDependencySchema, deployedDependencySchema],
  "Must be none, {address} of an existing one, or {image, port} of one to deploy",
);
export type DependencySettings = z.infer<typeof dependencySchema>;
export type DeployedDependencySettings = z.infer<typeof deployedDependencySchema>;

/** The names of those that the environment has none of. */
export function absentDependencies(dependencies: Readonly<Record<string, DependencySettings>>): ReadonlySet<string> {
  return new Set(Object.keys(dependencies).filter((name) => dependencies[name] === "none"));
}
