import { namespaceName } from "../../core/names.ts";
import { sandboxProject, sandboxSettings } from "../machine/endpoints.ts";
import type { SourceLocation } from "../stand-ins/code-host.ts";

/** What the stack file has, as far as this sandbox starts it. */
export interface DesiredEndpoints {
  registryPort: number;
  circleciPort: number;
  gitPort: number;
  githubPort: number;
  source: SourceLocation;
  /** Whether the program has a repository of its own. */
  ownProgram: boolean;
  username: string;
  delivery: "gitops" | "direct";
  argoCdNamespace: string;
  previews: boolean;
  /** Where the services' pods are. */
  namespace: string;
}

/** What the stack file says; its ports are used if they are free. */
export function desiredEndpoints(stateDir: string): DesiredEndpoints {
  const { app, environment, images, ci, delivery, gitops, github } = sandboxSettings(sandboxProject(stateDir));
  return {
    registryPort: Number(images.registry.split(":")[1]),
    circleciPort: Number(new URL(ci.host).port),
    gitPort: Number(new URL(gitops.repository).port),
    githubPort: Number(new URL(github.api).port),
    source: { repository: github.repository, id: Number(ci.repositoryId ?? 1) },
    ownProgram: ci.program !== undefined,
    username: images.username,
    delivery,
    argoCdNamespace: gitops.argoCd.namespace,
    previews: gitops.previews !== undefined,
    namespace: namespaceName(app.name, environment),
  };
}
