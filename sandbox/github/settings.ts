import { z } from "zod";

/** The file from which the Git server's process learns what the stand-in is set up with: it holds tokens. */
export const githubSettingsSchema = z.strictObject({
  port: z.int(),
  /** Where it is reached, e.g. `http://localhost:8200`. */
  url: z.url(),
  stateFile: z.string(),
  repositories: z.array(z.strictObject({ id: z.int(), fullName: z.string(), git: z.string(), public: z.boolean() })),
  users: z.array(z.strictObject({ login: z.string(), token: z.string().min(1), access: z.enum(["read", "write"]) })),
  webhooks: z.array(z.strictObject({ url: z.url(), secret: z.string().min(1) })),
});
export type GitHubSettings = z.infer<typeof githubSettingsSchema>;
