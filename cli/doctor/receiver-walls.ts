import { circleCiTokenVariable } from "../../circleci/api.ts";
import { tokenVariable } from "../../git/git-credentials.ts";
import { webhookSecretVariable } from "../chatops/webhook.ts";
import { githubTokenVariable } from "../github/connection.ts";
import { isOnGitHub } from "../github/web.ts";
import type { Reach } from "./reach.ts";
import type { Finding, ReceiverReach } from "./report.ts";

/** @returns `undefined`: no stack file lets comments change anything */
export function receiverReach({ environments, app }: Reach): ReceiverReach | undefined {
  const commanded = environments.filter(({ github }) => github?.commands === true);
  const [first] = commanded;
  if (first?.github === undefined) return undefined;
  const deploys = [...new Set(commanded.flatMap(({ gitops }) => gitops?.repository ?? []))];
  const { repository } = first.github;
  return {
    environments: commanded.map(({ name }) => name),
    for: `who may write both to ${repository} and to ${deploys.join(", ")}, by a comment`,
    holds: {
      [webhookSecretVariable]: `whoever has it passes for GitHub, and so for everybody who may write to ${repository}`,
      [githubTokenVariable]: `issues, pull requests, statuses and contents of ${repository} and of the deploy repositories on GitHub`,
      [tokenVariable]: `what runs in ${commanded.map(({ name }) => name).join(", ")}: ${deploys.join(", ")}`,
      ...(first.ci.engine === "circleci"
        ? { [circleCiTokenVariable]: `all that its account may at CircleCI, of which it runs pipelines of ${app}` }
        : {}),
    },
  };
}

/** What the stack files say of comments that change environments. */
export function receiverFindings({ environments, contexts }: Reach): Finding[] {
  const last = environments.at(-1);
  return environments.flatMap(({ name, file, github, gitops, promotion }): Finding[] => {
    const warning = (key: string, message: string): Finding => ({
      level: "warning",
      location: `${file}: ${key}`,
      message,
    });
    const asksGitHub = contexts.some(
      ({ kind, stack, variables }) => kind === "environment" && stack === name && githubTokenVariable in variables,
    );
    const isCommanded = github?.commands === true;
    return [
      ...(isCommanded && gitops !== undefined && !isOnGitHub(gitops.repository, github.api)
        ? [
            warning(
              "github.commands",
              `${gitops.repository} is not on this GitHub, so that whoever may write to ${github.repository} changes what ${name} runs, by a comment, also those who may not write there; remove it, or move that repository`,
            ),
          ]
        : []),
      ...(isCommanded && name === last?.name && environments.length > 1 && promotion?.approval !== true
        ? [
            warning(
              "github.commands",
              `one person's comment changes what ${name} runs; set promotion.approval, with which it opens a pull request for another one to approve`,
            ),
          ]
        : []),
      ...(promotion?.holds === true && !asksGitHub
        ? [
            warning(
              "promotion.holds",
              `asks GitHub what is on hold, and the context of ${name} has no ${githubTokenVariable} for it: of a private repository nothing is promoted; name a secret in ci.environment.${githubTokenVariable}, of an account that may only read`,
            ),
          ]
        : []),
    ];
  });
}
