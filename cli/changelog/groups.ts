import type { Change } from "./service-changes.ts";

/** Changes under one heading. */
export interface ChangeGroup {
  readonly title: string;
  readonly changes: readonly Change[];
}

/** In the order of a changelog. The types are those that the convention names, and which its tools have added. */
const headings: readonly (readonly [title: string, has: (change: Change) => boolean])[] = [
  ["Breaking changes", ({ breaking }) => breaking !== null],
  ["Features", ({ type }) => type === "feat"],
  ["Fixes", ({ type }) => type === "fix"],
  ["Performance", ({ type }) => type === "perf"],
  ["Reverts", ({ type }) => type === "revert"],
  ["Other changes", () => true],
];

/** Each change under the first heading that it belongs to; headings without any are left out. */
export function groupChanges(changes: readonly Change[]): readonly ChangeGroup[] {
  const grouped = Map.groupBy(changes, (change) => headings.find(([, has]) => has(change))?.[0]);
  return headings.flatMap(([title]) => {
    const found = grouped.get(title);
    return found === undefined ? [] : [{ title, changes: found }];
  });
}
