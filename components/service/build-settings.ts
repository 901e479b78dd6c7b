import { z } from "zod";
import { commandSchema, jobImageSchema } from "./test-settings.ts";

/** What an image runs on. */
export const platformSchema = z
  .string("Must be a platform such as linux/amd64")
  .regex(/^linux\/[a-z0-9]+(\/[a-z0-9]+)?$/, "Must be a platform such as linux/amd64");

export const platformsSchema = z
  .array(platformSchema, "Must be a list of platforms, such as [linux/amd64, linux/arm64]")
  .min(1, "Must name a platform, such as linux/amd64")
  .refine((platforms) => new Set(platforms).size === platforms.length, "Names a platform twice; remove one of them");

/** How the files come about that a Dockerfile takes and no commit has. */
const prepareSchema = z.union(
  [
    commandSchema.transform((command) => ({ command })),
    z.strictObject({
      command: commandSchema,
      /** What CI runs it in: with bash, Git and tar. @default `ci.image` of the stack file */
      image: jobImageSchema("cimg/openjdk:21.0").optional(),
    }),
  ],
  "Must be a command such as mvn package, or {command, image}",
);

/** How the image of a service is built, beyond its Dockerfile. */
export const buildSchema = z.strictObject({
  /**
   * A command that makes what the Dockerfile takes and no commit has, e.g. `target/app.jar`. CI runs it before each build, in
   * the root of the monorepo by `bash -eo pipefail` and without any credentials, with the variables SERVICE (its name) and
   * SERVICE_DIRECTORY. @default nothing is to be made
   */
  prepare: prepareSchema.optional(),
  /**
   * What a step of the Dockerfile mounts by `RUN --mount=type=secret,id=…`: the id → the name of a secret in the stack's
   * `secrets`. It is in no layer, and no cache. @default none
   */
  secrets: z
    .record(
      z.string().regex(/^[A-Za-z0-9_][\w.-]*$/, "Is not the id of a build's secret: letters, digits, '_', '-' and '.'"),
      z.string("Must be the name of a secret of the stack").min(1, "Must be the name of a secret of the stack"),
    )
    .optional(),
});
