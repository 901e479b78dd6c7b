import type { PullRequest } from "../github/payloads.ts";

/** Why a pull request has no environment, to complete "it …"; `undefined`: it is to have one. */
export function whyUnwanted({ state, merged, labels }: PullRequest, label: string): string | undefined {
  if (merged) return "is merged";
  if (state === "closed") return "is closed";
  return labels.includes(label) ? undefined : `does not have the label ${JSON.stringify(label)}`;
}
