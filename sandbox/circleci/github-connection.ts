import { z } from "zod";

/** How the stand-in and GitHub know each other. */
export const gitHubConnectionSchema = z.strictObject({
  /** Base URL of its API. */
  api: z.url(),
  token: z.string().min(1),
  /** With which it signs webhooks. */
  webhookSecret: z.string().min(1),
});
export type GitHubConnection = z.infer<typeof gitHubConnectionSchema>;
