import { z } from "zod";

/** How long a migration may run, unless the service says so, in seconds. */
const defaultDeadline = 600;

/** What must have succeeded with an image before pods run it, e.g. a change of its database's schema. */
export const migrationsSchema = z.strictObject(
  {
    /** The program and its arguments, in the service's own image and with its environment variables. */
    command: z
      .array(
        z.string("Must be a string; quote it"),
        "Must be a list such as [/app, migrate]: there may be no shell in the image",
      )
      .refine(([program]) => program !== undefined && program !== "", "Must name a program"),
    /** How long it may run, in seconds; then it is stopped, and has failed. @default 600 */
    activeDeadlineSeconds: z
      .int("Must be a whole number of seconds")
      .min(1, "Must be at least 1")
      .max(86_400, "Must be at most 86400, a day")
      .optional(),
    /** It takes away what the images before it need: there is no rollback to those. @default false */
    contract: z.boolean("Must be true or false").optional(),
  },
  "Must be {command: [/app, migrate]}",
);
/** What one layer of settings says of them. */
export const migrationsLayerSchema = migrationsSchema.partial();

export type MigrationSettings = z.infer<typeof migrationsSchema>;

/** In seconds. */
export function migrationDeadline({ activeDeadlineSeconds }: MigrationSettings): number {
  return activeDeadlineSeconds ?? defaultDeadline;
}
