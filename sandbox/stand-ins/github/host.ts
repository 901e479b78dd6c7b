import { z } from "zod";
import { repositoryPath } from "../git-server/repositories.ts";
import { BareGit } from "./bare-git.ts";
import type { State } from "./state.ts";

/** A repository, as its host knows it. */
const repositorySchema = z.strictObject({
  id: z.int(),
  /** As owner/name. */
  fullName: z.string(),
  /** Its name on the Git server. */
  git: z.string(),
  /** Whether everybody may read it. */
  public: z.boolean(),
});
export type HostedRepository = Readonly<z.infer<typeof repositorySchema>>;

/** Someone with a token for the API. */
const userSchema = z.strictObject({
  login: z.string(),
  token: z.string().min(1),
  /** What the token may do in repositories of others; who may read may also comment and open pull requests. */
  access: z.enum(["read", "write"]),
});
export type GitHubUser = Readonly<z.infer<typeof userSchema>>;

/** Who is told of what happens. */
const webhookSchema = z.strictObject({
  url: z.url(),
  /** Signs what is sent, so that the receiver knows the sender. */
  secret: z.string().min(1),
});
export type WebhookTarget = Readonly<z.infer<typeof webhookSchema>>;

/** The file from which the Git server's process learns what the stand-in is set up with: it holds tokens. */
export const githubSettingsSchema = z.strictObject({
  port: z.int(),
  /** Where it is reached, e.g. `http://localhost:8200`. */
  url: z.url(),
  stateFile: z.string(),
  repositories: z.array(repositorySchema),
  users: z.array(userSchema),
  webhooks: z.array(webhookSchema),
});
export type GitHubSettings = z.infer<typeof githubSettingsSchema>;

/** What the stand-in is set up with, and where its repositories are. */
export interface GitHubHost extends Readonly<Pick<GitHubSettings, "url">> {
  /** Where its repositories are cloned from, e.g. `http://127.0.0.1:3000`. */
  readonly gitUrl: string;
  /** Folder of the bare repositories. */
  readonly root: string;
  readonly repositories: readonly HostedRepository[];
  readonly users: readonly GitHubUser[];
}

export const defaultBranch = "main";

export function gitOf(host: GitHubHost, repository: HostedRepository): BareGit {
  return new BareGit(repositoryPath(host.root, repository.git));
}

/** By its name; GitHub does not mind the case. */
export function findRepository(host: GitHubHost, state: State, fullName: string): HostedRepository | undefined {
  const same = (name: string): boolean => name.toLowerCase() === fullName.toLowerCase();
  const declared = host.repositories.find((repository) => same(repository.fullName));
  if (declared !== undefined) return declared;
  const fork = state.forks.find((known) => same(known.fullName));
  return fork && { id: fork.id, fullName: fork.fullName, git: fork.fullName, public: true };
}

/** By its name on the Git server. */
export function findByGit(host: GitHubHost, state: State, git: string): HostedRepository | undefined {
  return host.repositories.find((repository) => repository.git === git) ?? findRepository(host, state, git);
}

export function ownerOf(fullName: string): string {
  return fullName.split("/")[0] ?? "";
}
