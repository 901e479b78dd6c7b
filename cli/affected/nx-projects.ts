import { posix } from "node:path";
import { glob } from "./glob.ts";

/** A project, as far as patterns ask. */
interface NamedProject {
  readonly name: string;
  readonly tags?: readonly string[] | undefined;
  /** Its directory, from the root of the workspace. */
  readonly within: string;
}

/**
 * The projects that names, directories, `tag:…` and globs of these mean, each with what those before it have found: what begins
 * with `!` takes away from that. A list that begins so takes away from all. A name that no project has means those with that
 * in them as a word: `ui` is `@shop/ui`, too, and no glob is.
 * Source: https://nx.dev/reference/project-configuration
 */
export function matchProjects<Project extends NamedProject>(
  patterns: readonly string[],
  projects: readonly Project[],
): Project[] {
  const found = new Set(patterns[0]?.startsWith("!") === true ? projects : []);
  for (const given of patterns) {
    const pattern = given.replace(/^!/, "");
    for (const project of meantBy(pattern, projects))
      if (given.startsWith("!")) found.delete(project);
      else found.add(project);
  }
  return [...found];
}

function meantBy<Project extends NamedProject>(pattern: string, projects: readonly Project[]): readonly Project[] {
  if (pattern === "*") return projects;
  const exact = projects.filter(({ name }) => name === pattern);
  if (exact.length > 0) return exact;
  const [, kind = "", value = pattern] = /^(name|tag|directory):(.*)$/s.exec(pattern) ?? [];
  const means = isGlob.test(value) ? meansWhole(value) : (text: string) => text === value;
  if (kind === "tag") return projects.filter(({ tags = [] }) => tags.some(means));
  const byName = projects.filter(({ name }) => (isGlob.test(value) ? means(name) : hasWord(name, value)));
  if (kind === "name" || (kind === "" && byName.length > 0)) return byName;
  return projects.filter(({ within }) => means(within));
}

const isGlob = /[*|{}()[]/;

/** Whether a glob means a path, and not only a directory that this is in. */
function meansWhole(pattern: string): (path: string) => boolean {
  const means = glob(pattern);
  return (path) => means(path) && (pattern.endsWith("**") || !means(posix.dirname(path)));
}

/** Whether something stands in a name by itself; `-` is a part of words. */
function hasWord(name: string, word: string): boolean {
  const [text, part] = [name.toLowerCase(), word.toLowerCase()];
  const isPart = (character = ""): boolean => /[@a-z0-9-]/.test(character);
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1))
    if (!isPart(text[at - 1]) && !isPart(text[at + part.length])) return true;
  return false;
}
