/** The events of a repository that a trigger can choose. */
export const eventPresets = [
  "all-pushes",
  "only-tags",
  "default-branch-pushes",
  "only-build-prs",
  "only-open-prs",
  "only-labeled-prs",
  "only-merged-prs",
  "only-ready-for-review-prs",
  "only-branch-delete",
  "only-build-pushes-to-non-draft-prs",
  "only-merged-or-closed-prs",
  "pr-comment-equals-run-ci",
  "non-draft-pr-opened",
  "pushes-to-merge-queues",
] as const;
