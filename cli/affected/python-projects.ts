import { posix } from "node:path";
import { z } from "zod";
import { globbedDirectories } from "./globbed-directories.ts";
import { memoize, pathWithin, upwards, type SourceTree } from "./source-tree.ts";
import { parseToml } from "./toml.ts";

/** A directory with the settings of a project of Python. */
export interface PythonProject {
  readonly name: string;
  /** The directories of projects that its settings name: by paths, and by the names of members of its workspace. */
  readonly dependencies: readonly string[];
}

const stringsSchema = z.object({
  project: z.object({ name: z.string().optional() }).optional(),
  tool: z
    .object({
      poetry: z.object({ name: z.string().optional() }).optional(),
      uv: z
        .object({
          workspace: z
            .object({ members: z.array(z.string()).optional(), exclude: z.array(z.string()).optional() })
            .optional(),
        })
        .optional(),
    })
    .optional(),
});

/** The files that say what is installed, and in which versions. */
export const projectFiles =
  /^(pyproject\.toml|setup\.(py|cfg)|uv\.(lock|toml)|poetry\.(lock|toml)|pdm\.lock|Pipfile(\.lock)?|\.python-version|MANIFEST\.in)$/;

/** Source: https://docs.astral.sh/uv/concepts/projects/workspaces/ and https://python-poetry.org/docs/dependency-specification/ */
export function pythonProjects(tree: SourceTree) {
  const settingsAt = memoize((directory) => {
    const { files } = tree.list(directory);
    const value = files.includes("pyproject.toml")
      ? parseToml(tree.read(posix.join(directory, "pyproject.toml")) ?? "")
      : undefined;
    const parsed = stringsSchema.safeParse(value);
    const others = files.filter((name) => /^(setup\.(py|cfg)|Pipfile)$/.test(name));
    const texts = others.map((name) => tree.read(posix.join(directory, name)) ?? "");
    if (value === undefined && others.length === 0) return undefined;
    const strings = [...stringsIn(said(value)), ...texts.flatMap((text) => text.split(/["'\s=,()]/))];
    return { ...(parsed.success ? parsed.data : {}), strings, isProject: isProject(value) || others.length > 0 };
  });
  const isWorkspace = (at: string): boolean => settingsAt(at)?.tool?.uv?.workspace !== undefined;
  const membersAt = memoize((root) => {
    const { members = [], exclude = [] } = settingsAt(root)?.tool?.uv?.workspace ?? {};
    const meant = (globs: readonly string[]): string[] => globs.flatMap((one) => globbedDirectories(tree, root, one));
    const excluded = new Set(meant(exclude));
    const found = meant(members).filter((at) => settingsAt(at) !== undefined && !excluded.has(at));
    return new Map([root, ...found].map((at) => [nameOf(at), at]));
  });
  const nameOf = (at: string): string => {
    const { project, tool } = settingsAt(at) ?? {};
    return normalized(project?.name ?? tool?.poetry?.name ?? posix.basename(at));
  };
  const rootOf = (directory: string): string | undefined => upwards(directory).find(isWorkspace);
  const membersOf = (directory: string): ReadonlyMap<string, string> => {
    const root = rootOf(directory);
    return root === undefined ? new Map<string, string>() : membersAt(root);
  };
  /** The project, or file of requirements, that a word of settings means. */
  const meant = (directory: string, word: string): string[] => {
    const path = word
      .replace(/^.*@\s*/s, "")
      .replace(/^file:(\/\/)?/, "")
      .replace(/^\$\{?PROJECT_ROOT\}?\/+/, "")
      .replace(/\[[^\]]*\]$/, "");
    const at = /[/.]/.test(path) && path.length < 300 ? pathWithin(directory, path) : undefined;
    return at !== undefined && at !== directory && tree.kind(at) !== undefined ? [at] : [];
  };
  const projectAt = memoize((directory): PythonProject | undefined => {
    const settings = settingsAt(directory);
    if (settings?.isProject !== true) return undefined;
    const members = membersOf(directory);
    const dependencies = settings.strings.flatMap((word) => {
      const member = members.get(normalized(/^[\w.-]+/.exec(word)?.[0] ?? ""));
      return [...meant(directory, word), ...(member === undefined || member === directory ? [] : [member])];
    });
    return { name: nameOf(directory), dependencies };
  });
  return { projectAt, membersOf, meant };
}

/** Settings of tools alone, such as those of a formatter, make no project. */
function isProject(value: unknown): boolean {
  const parsed = z
    .object({
      project: z.unknown().optional(),
      "build-system": z.unknown().optional(),
      tool: z.object({ poetry: z.unknown().optional() }).optional(),
    })
    .safeParse(value);
  if (!parsed.success) return value !== undefined;
  const { project, tool } = parsed.data;
  return project !== undefined || parsed.data["build-system"] !== undefined || tool?.poetry !== undefined;
}

/** What is said of dependencies: other tools name paths, too, and so does what is left out of a workspace. */
function said(value: unknown): unknown {
  const parsed = z
    .looseObject({ tool: z.looseObject({ uv: z.looseObject({}).optional() }).optional() })
    .safeParse(value);
  const { tool, ...others } = parsed.data ?? {};
  const { workspace: _, ...uv } = tool?.uv ?? {};
  return [others, uv, tool?.["poetry"], tool?.["pdm"], tool?.["hatch"], tool?.["setuptools"], tool?.["pixi"]];
}

/** All that is said, and the names under which that is. */
function stringsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  const inside = Object.values(value).flatMap(stringsIn);
  return Array.isArray(value) ? inside : [...Object.keys(value), ...inside];
}

/** Source: https://packaging.python.org/en/latest/specifications/name-normalization/ */
function normalized(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, "-");
}
