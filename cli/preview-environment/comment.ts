import { previewName } from "../../core/names.ts";
import { shortDigest } from "../../git/records.ts";
import type { GitHub } from "../github/github.ts";
import { commentMarker, ownComments, putStickyComment } from "../github/sticky-comment.ts";
import type { PreviewLocation } from "./location.ts";
import type { Preview, PreviewService } from "./write-preview.ts";

const marker = commentMarker("preview-environment");

/** Says in the pull request where its environment is, in place of the comment before. */
export async function commentPreview(
  github: GitHub,
  pullRequest: number,
  preview: Preview,
  location: PreviewLocation,
): Promise<void> {
  await putStickyComment(github, pullRequest, marker, previewText(preview, location));
}

/** Says that the environment is gone, where a comment said that it is there. @param reason completes "it …" */
export async function commentRemoval(github: GitHub, pullRequest: number, reason: string): Promise<void> {
  if ((await ownComments(github, pullRequest, marker)).length === 0) return;
  const text = `### Preview environment \`${previewName(pullRequest)}\`\n\nRemoved: the pull request ${reason}.\n`;
  await putStickyComment(github, pullRequest, marker, text);
}

export function previewText(preview: Preview, { environment, label }: PreviewLocation): string {
  const { name, namespace, services, dependencies, missing, unmigrated } = preview;
  const paragraphs = [
    `### Preview environment \`${name}\``,
    ...(services.length === 0
      ? ["This pull request changes no service: there is nothing to run."]
      : [addresses(preview), table(services, environment.name)]),
    ...(dependencies.length === 0
      ? []
      : [`Its own, empty at first: ${dependencies.map((dependency) => `\`${dependency}\``).join(", ")}.`]),
    ...(missing.length === 0
      ? []
      : [
          `Not there: ${missing.map((dependency) => `\`${dependency}\``).join(", ")}. ${environment.name} has it outside of the cluster, where a preview must not reach.`,
        ]),
    ...(unmigrated.length === 0
      ? []
      : [
          `Without migrations: ${unmigrated.map((service) => `\`${service}\``).join(", ")}. They run where all data of a service are in \`dependencies\` that the preview has of its own.`,
        ]),
    `It runs in the namespace \`${namespace}\`, with made-up secrets, as soon as Argo CD has seen it. It goes when the pull request is closed or loses the label \`${label}\`.`,
  ];
  return `${paragraphs.join("\n\n")}\n`;
}

function addresses({ namespace, services, outside }: Preview): string {
  const entries = services.filter(({ entry }) => entry);
  if (outside && entries.length > 0)
    return entries.map(({ name, address }) => `**${name}: ${address}**`).join("<br>\n");
  const [first] = entries.length > 0 ? entries : services.filter(({ changed, port }) => changed && port !== undefined);
  if (first === undefined) return "";
  return `Within the cluster: ${first.address}; from outside: \`kubectl port-forward --namespace ${namespace} service/${first.name} ${first.port}\`.`;
}

function table(services: readonly PreviewService[], environment: string): string {
  const rows = services.map(
    ({ name, digest, changed }) =>
      `| ${name} | \`${shortDigest(digest)}\` | ${changed ? "**this pull request**" : environment} |`,
  );
  return ["| service | image | as in |", "| --- | --- | --- |", ...rows].join("\n");
}
