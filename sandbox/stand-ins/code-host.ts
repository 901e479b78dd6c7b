import { join } from "node:path";
import { gitUsers, type Credentials } from "../machine/credentials.ts";
import { choosePort } from "../machine/ports.ts";
import { startGitServer } from "./git-server/start.ts";

/** The user name with which GitHub takes any token. */
const tokenUser = "x-access-token";

/** The source repository on GitHub. */
export interface SourceLocation {
  /** As owner/name. */
  repository: string;
  /** GitHub's numeric id of it. */
  id: number;
}

/** URLs of the repositories, and of GitHub's API. */
interface CodeHost {
  deployRepository: string;
  sourceRepository: string;
  githubApi: string;
  programRepository?: string;
}

/** Where this program is, if the source repository is that of another monorepo. */
const programName = "sandbox/delivery";

/** Starts the Git server with the source and the deploy repository on it, and the stand-in for GitHub's API. */
export async function startCodeHost(options: {
  stateDir: string;
  port: number;
  credentials: Credentials;
  argoCdNamespace: string;
  source: SourceLocation;
  /** Whether this program has a repository of its own. */
  ownProgram: boolean;
  /** The requested port of GitHub's API. */
  githubPort: number;
  /** The URL that learns of pushes and pull requests. */
  webhook: string;
}): Promise<CodeHost> {
  const { stateDir, port, credentials, argoCdNamespace, source, ownProgram, webhook } = options;
  const { gitWriteToken, gitReadToken, gitPreviewsToken, githubToken, githubWebhookSecret } = credentials;
  const githubPort = await choosePort(stateDir, "github", options.githubPort);
  const githubApi = `http://localhost:${githubPort}`;
  const [owner = ""] = source.repository.split("/");
  const { repositoryUrl } = await startGitServer({
    stateDir,
    port,
    users: [
      { name: gitUsers.writer, token: gitWriteToken, access: "write" },
      { name: tokenUser, token: gitWriteToken, access: "write" },
      { name: gitUsers.reader, token: gitReadToken, access: "read" },
      // With it jobs of pull requests write, so that it must not reach what runs in an environment.
      {
        name: tokenUser,
        token: gitPreviewsToken,
        access: "write",
        pushes: { repository: "deploy", directory: "previews" },
      },
    ],
    repositories: [
      { name: "deploy" },
      { name: source.repository, public: true, rewritable: "branches" },
      ...(ownProgram ? [{ name: programName, public: true }] : []),
    ],
    github: {
      port: githubPort,
      url: githubApi,
      stateFile: join(stateDir, "github.json"),
      repositories: [
        { id: source.id, fullName: source.repository, git: source.repository, public: true },
        { id: source.id + 1, fullName: `${owner}/deploy`, git: "deploy", public: false },
      ],
      users: [{ login: gitUsers.writer, token: githubToken, access: "write" }],
      webhooks: [{ url: webhook, secret: githubWebhookSecret }],
    },
    argoCd: { kubeconfigPath: join(stateDir, "kubeconfig"), namespace: argoCdNamespace },
  });
  return {
    deployRepository: repositoryUrl("deploy"),
    sourceRepository: repositoryUrl(source.repository),
    githubApi,
    ...(ownProgram ? { programRepository: repositoryUrl(programName) } : {}),
  };
}
