import type { z } from "zod";
import { schemaProblems, type Problem } from "./problem.ts";

/** The version of the form of stack files, and of the `service.yaml` files that go with them; a program reads exactly one. */
export const schemaVersion = 2;

/**
 * The version that a stack file gives, as a number where it is one: `pulumi config set` puts quotes around it when it writes the
 * file again, and the engine passes it as text.
 */
export function unquotedVersion(value: unknown): unknown {
  return typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
}

/** What a file holds: a `service.yaml` the settings of one service, a stack file those of the stack and of its services. */
type SettingsFile = "service" | "stack";

interface RenamedKey {
  /** Whether it is a key of a service, wherever that is said, or of the stack file alone. */
  readonly of: SettingsFile;
  /** What earlier versions call it, as a dotted path. */
  readonly from: string;
  /** What `schemaVersion` calls it; whoever renames it once more changes this, too. */
  readonly to: string;
  /** What else to know of the new key. @default it takes the same values */
  readonly note?: string;
}

/** By version: the keys that versions before it call otherwise. */
const renamedKeys: Readonly<Record<number, readonly RenamedKey[]>> = {
  2: [
    { of: "service", from: "test.beside", to: "test.services" },
    {
      of: "stack",
      from: "gitops.argoCd.chartVersion",
      to: "gitops.argoCd.version",
      note: "which is Argo CD's own version, e.g. 3.4.4 for 10.1.1 of the chart; see docs/decisions/git.md",
    },
    {
      of: "stack",
      from: "gitops.imageUpdaterChartVersion",
      to: "gitops.imageUpdater.version",
      note: "which is Image Updater's own version, e.g. 1.2.2 for 1.2.4 of the chart",
    },
  ],
};

/** The keys in a file that have another name by now, each as a problem that says so. */
export function renamedKeyProblems(kind: SettingsFile, file: string, input: unknown): Problem[] {
  return Object.values(renamedKeys)
    .flat()
    .flatMap(({ of, from, to, note }) =>
      settingsOf(of, kind).flatMap((parent) =>
        pathsIn(input, [...parent, ...from.split(".")]).map((path) => ({
          location: `${file}: ${path.join(".")}`,
          message: `unknown key; version ${schemaVersion} calls it ${[...path.slice(0, parent.length), to].join(".")}${note === undefined ? "" : `, ${note}`}`,
        })),
      ),
    );
}

/** The problems that a schema finds in a file of the present version; an earlier name of a key is met with its present one. */
export function settingsProblems(kind: SettingsFile, file: string, error: z.ZodError, input: unknown): Problem[] {
  const renamed = new Map(renamedKeyProblems(kind, file, input).map((problem) => [problem.location, problem]));
  return schemaProblems(file, error, input).map((problem) => renamed.get(problem.location) ?? problem);
}

/** Where a file has the settings that a key is part of; `*` stands for any key. */
function settingsOf(of: SettingsFile, kind: SettingsFile): readonly (readonly string[])[] {
  if (of === kind) return [[]];
  return kind === "stack" ? [["defaults"], ["services", "*"]] : [];
}

/** The paths of a pattern that are there. */
function pathsIn(value: unknown, [key, ...rest]: readonly string[]): string[][] {
  if (key === undefined) return [[]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value)
    .filter(([name]) => key === "*" || name === key)
    .flatMap(([name, inner]) => pathsIn(inner, rest).map((path) => [name, ...path]));
}
