import type { OutputMap } from "@pulumi/pulumi/automation/index.js";
import { z } from "zod";
import { namespaceName } from "../../core/names.ts";
import { ensureCredentials } from "../credentials.ts";
import { loginToDeployGit } from "../deploy-git.ts";
import { kubernetesClient } from "../kubernetes-client.ts";
import { sandboxSettings } from "../settings.ts";
import { loadTargets } from "../targets.ts";
import type { Route } from "./travel.ts";

const outputsSchema = z.object({
  ciProject: z.object({ value: z.string() }),
  environment: z.object({ value: z.string() }),
});

/**
 * Where a commit of one service travels through in the running sandbox.
 * @param outputs those of its stack
 */
export function openRoute(stateDir: string, outputs: OutputMap, service: string): Route {
  const targets = loadTargets(stateDir);
  if (targets?.deployRepository === undefined)
    throw new Error("the sandbox has no deploy repository: `npm run up` makes one");
  const { app, gitops } = sandboxSettings();
  const { ciProject, environment } = outputsSchema.parse(outputs);
  const { circleciToken } = ensureCredentials(stateDir);
  loginToDeployGit(stateDir, "writer");
  return {
    ci: { host: targets.circleci.url, token: circleciToken, projectSlug: ciProject.value },
    deploy: { repository: targets.deployRepository, branch: gitops.branch },
    directory: environment.value,
    rollout: {
      kubernetes: kubernetesClient(targets.kubeconfigPath),
      namespace: namespaceName(app.name, environment.value),
      service,
    },
  };
}
