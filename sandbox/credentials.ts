import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const credentialsSchema = z.strictObject({
  registryPassword: z.string(),
  circleciToken: z.string(),
  /** With which the program writes to the deploy repository, and with which Argo CD reads it. */
  gitWriteToken: z.string(),
  gitReadToken: z.string(),
  /** The secrets of the application. */
  secrets: z.record(z.string(), z.string()),
});
export type Credentials = z.infer<typeof credentialsSchema>;

export function credentialsFile(stateDir: string): string {
  return join(stateDir, "credentials.json");
}

/** The sandbox's own passwords and tokens: made at random once, kept in a file that only its owner reads. */
export function ensureCredentials(stateDir: string): Credentials {
  const file = credentialsFile(stateDir);
  if (existsSync(file)) return credentialsSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  const random = (): string => randomBytes(24).toString("base64url");
  const credentials: Credentials = {
    registryPassword: random(),
    circleciToken: random(),
    gitWriteToken: random(),
    gitReadToken: random(),
    secrets: { "token-secret": random() },
  };
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  writeFileSync(file, JSON.stringify(credentials), { mode: 0o600 });
  return credentials;
}
