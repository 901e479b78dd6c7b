import { z } from "zod";
import { variable } from "../../core/problem.ts";
import { portSchema } from "./ports.ts";

/** A command of a shell. */
export const commandSchema = z.string("Must be a command").regex(/\S/, "Must be a command");

/**
 * An image that a job of CI runs in, or beside which it runs. It is a word of `docker run`, and none of its options.
 * @param example of one, for messages
 */
export const jobImageSchema = (example: string): z.ZodString =>
  z.string(`Must be an image such as ${example}`).regex(/^[^-\s<>][^\s<>]*$/, `Must be an image such as ${example}`);

const serviceContainerSchema = z.strictObject({
  image: jobImageSchema("cimg/postgres:17.5"),
  /** Tests begin when something serves there. @default that of the usual servers, e.g. 5432 of an image `postgres` */
  port: portSchema.optional(),
  env: z.record(variable, z.string("Must be a string; quote it")).optional(),
});
/** A container that tests need, e.g. a database. */
export type ServiceContainer = z.infer<typeof serviceContainerSchema>;

const runSchema = z.strictObject({
  /** Run in the root of the monorepo by `bash -eo pipefail`. @default by its language: `go test` of its packages, `npm test` of its own */
  command: commandSchema.optional(),
  /**
   * What CI runs them in: with bash and Git, and without `command` also with Node.js 24 or newer, which finds the tests.
   * @default `ci.image` of the stack file
   */
  image: jobImageSchema("cimg/rust:1.80").optional(),
  env: z.record(variable, z.string("Must be a string; quote it")).optional(),
  /** Containers that run while the tests do, reached at localhost, e.g. a database. */
  services: z.array(serviceContainerSchema).optional(),
});

/** How CI tests a service. */
export const testSchema = z.union([z.literal("none"), runSchema], "Must be none, or {command, image, env, services}");
type TestSettings = z.infer<typeof testSchema>;

/** What tests are run; `undefined`: none at all. */
export function testRun(test: TestSettings | undefined): Partial<z.infer<typeof runSchema>> | undefined {
  return test === "none" ? undefined : (test ?? {});
}
