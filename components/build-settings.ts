import { z } from "zod";
import { commandSchema, jobImageSchema } from "./test-settings.ts";

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
});
