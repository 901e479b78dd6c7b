import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomically } from "../../core/atomic-file.ts";
import { tokenVariable, usernameVariable } from "../../git/git-credentials.ts";

const random = (): string => randomBytes(24).toString("base64url");
const token = z.string().default(random);

const privateKey = (): string =>
  String(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }));

const credentialsSchema = z.strictObject({
  registryPassword: token,
  circleciToken: token,
  /** With which the program writes to the deploy repository, and with which Argo CD reads it. */
  gitWriteToken: token,
  gitReadToken: token,
  /** With which pull requests get environments of their own in the deploy repository. */
  gitPreviewsToken: token,
  /** For GitHub's API, and with which GitHub signs what it tells CircleCI. */
  githubToken: token,
  githubWebhookSecret: token,
  /** With which CI signs the images that it builds, as PEM. */
  imageKey: z.string().default(privateKey),
  /** The secrets of the application. */
  secrets: z.record(z.string(), z.string()).default(() => ({ "token-secret": random() })),
});
export type Credentials = z.infer<typeof credentialsSchema>;

export function credentialsFile(stateDir: string): string {
  return join(stateDir, "credentials.json");
}

/** The sandbox's own passwords and tokens: made at random once, kept in a file that only its owner reads. */
export function ensureCredentials(stateDir: string): Credentials {
  const file = credentialsFile(stateDir);
  const known = existsSync(file) ? readFileSync(file, "utf8") : "{}";
  // A sandbox of an earlier version lacks some.
  const credentials = credentialsSchema.parse(JSON.parse(known));
  const text = JSON.stringify(credentials);
  if (text === known) return credentials;
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  writeFileAtomically(file, text, 0o600);
  return credentials;
}

/**
 * Gives each of the application's secrets a value: the real ones are nobody's business here.
 * @param known values that hang together, such as a password and the address of a database with it; others are made up
 */
export function ensureApplicationSecrets(
  stateDir: string,
  names: readonly string[],
  known: ReadonlyMap<string, string>,
): void {
  const credentials = ensureCredentials(stateDir);
  const missing = names.filter((name) => credentials.secrets[name] === undefined);
  if (missing.length === 0) return;
  const secrets = {
    ...credentials.secrets,
    ...Object.fromEntries(missing.map((name) => [name, known.get(name) ?? random()])),
  };
  writeFileAtomically(credentialsFile(stateDir), JSON.stringify({ ...credentials, secrets }), 0o600);
}

/** Who uses the repositories: people, the program and the delivery CLI write, Argo CD reads. */
export const gitUsers = { writer: "delivery", reader: "argocd" } as const;

/** Lets this process read or write the deploy repository: Git takes the credentials from its environment. */
export function loginToDeployGit(stateDir: string, access: keyof typeof gitUsers): void {
  const { gitWriteToken, gitReadToken } = ensureCredentials(stateDir);
  process.env[usernameVariable] = gitUsers[access];
  process.env[tokenVariable] = access === "writer" ? gitWriteToken : gitReadToken;
}
