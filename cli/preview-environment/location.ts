import type { ClusterEntry } from "../../components/manifests/manifest-context.ts";
import type { StackSettings } from "../../stacks/schema.ts";
import { CommandError } from "../command.ts";
import type { PullRequest } from "../github/github.ts";
import { findEnvironment, type DeliveryEnvironment, type EnvironmentFlags } from "../project/environment.ts";
import type { Project } from "../project/stack-file.ts";

/** The environment that preview environments are modelled on, and what its stack file says of them. */
export interface PreviewLocation extends ClusterEntry {
  readonly environment: DeliveryEnvironment;
  readonly app: string;
  /** A pull request with this label has a preview environment. */
  readonly label: string;
  readonly dependencies: StackSettings["dependencies"];
  /** Whether the cluster asks which images pods may have. */
  readonly asksForImages: boolean;
}

/** @throws CommandError if the stack file is missing or invalid, or declares no preview environments */
export function findPreviewLocation(project: Project, name: string, flags: EnvironmentFlags): PreviewLocation {
  const environment = findEnvironment(project, name, flags);
  const file = project.stackFile(name);
  const stack = file.find("app", "cluster", "gitops", "dependencies");
  const previews = stack?.gitops?.previews;
  if (stack === undefined || previews === undefined)
    throw new CommandError(
      `${file.path}: gitops.previews is missing; set it to {} and run \`pulumi up\`, which lets Argo CD make environments for pull requests`,
    );
  return {
    environment,
    app: stack.app.name,
    label: previews.label,
    dependencies: stack.dependencies,
    ingress: stack.cluster.ingress,
    gateway: stack.cluster.gateway,
    asksForImages: stack.cluster.admission !== undefined,
  };
}

/** Why a pull request gets no environment, to complete "it …"; `undefined`: it gets one. */
export function ineligibleReason({ state, merged, labels }: PullRequest, label: string): string | undefined {
  if (merged) return "is merged";
  if (state === "closed") return "is closed";
  return labels.includes(label) ? undefined : `does not have the label ${JSON.stringify(label)}`;
}
