import { z } from "zod";
import { nonEmpty, variable } from "../../core/problem.ts";
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
      path: z.string().startsWith("/"),
    })
    .optional(),
  /** Directories that it writes to beside its volume, each an empty one at every start. */
  scratch: z.array(z.string().startsWith("/", "Must be an absolute path")).default([]),
  /** The numeric user of its container. @default 65532 */
  user: z.int().min(1).optional(),
});
const externalDependencySchema = z.strictObject({
  address: z.string().regex(/^[^\s:]+:\d+$/, "Must be host:port"),
  password: z.string().optional(),
});
/** A database or cache, as an environment has it. */
export const dependencySchema = z.union(
  [z.literal("none"), externalDependencySchema, deployedDependencySchema],
  "Must be none, {address} of an existing one, or {image, port} of one to deploy",
);
export type DependencySettings = z.infer<typeof dependencySchema>;
export type DeployedDependencySettings = z.infer<typeof deployedDependencySchema>;
