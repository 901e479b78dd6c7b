import { posix } from "node:path";
import type { AffectedBy } from "./affected-by.ts";
import { isPackageName, moduleLookup, pythonNames } from "./python-imports.ts";
import { isPython, isText, packageHolders, textsBelow } from "./python-sources.ts";
import { projectFiles, pythonProjects } from "./python-projects.ts";
import type { PythonInstall } from "./run-instruction.ts";
import { isIn, memoize, mentionsIn, once, pathWithin, upwards, type SourceTree } from "./source-tree.ts";

/** The projects and modules of Python that a service is made of. Paths are from the root of the monorepo. */
export interface PythonNeeds {
  /** What says what is installed. */
  readonly files: ReadonlySet<string>;
  /** The directories of the projects that it installs or imports from. */
  readonly projects: ReadonlySet<string>;
  /** What its imports may mean: sources without their endings, and packages; also what is not there. */
  readonly modules: ReadonlySet<string>;
  /** Files and directories that its code names: all in them counts. */
  readonly named: ReadonlySet<string>;
  /** The sources that are followed. */
  readonly sources: ReadonlySet<string>;
  /** The directories that these are in, but for those around the service. */
  readonly followed: ReadonlySet<string>;
  /** Whether all that it imports is known. */
  readonly understood: boolean;
  /** Whether code that leads out of its own directory has the names of the directories in it that a file is in. */
  readonly reaches: (file: string) => boolean;
  /** Whether its code has the name of a file in it, or that of a directory that the file is in. */
  readonly mentions: (file: string) => boolean;
}

/** What the service and its build say. */
interface PythonService {
  readonly directory: string;
  readonly dockerfile: string;
  /** The root of the build context. */
  readonly context: string;
  readonly installs: readonly PythonInstall[];
}

/** Follows imports and the settings of projects from single services. */
export function pythonGraph(tree: SourceTree) {
  const projects = pythonProjects(tree);
  const { find, hasSources } = moduleLookup(tree);
  const namesIn = memoize((file) => pythonNames(tree.read(file) ?? "", /\.pyi?$/.test(file)));
  // Where a name is imported from that is found nowhere else: anywhere.
  const holders = once(() => packageHolders(tree, hasSources));
  const projectOf = memoize((file): string | undefined =>
    upwards(posix.dirname(file)).find((at) => at !== "." && projects.projectAt(at) !== undefined),
  );
  return {
    projectOf,
    /** @returns `undefined`: there is nothing of Python in it */
    needs: ({ directory, dockerfile, context, installs }: PythonService): PythonNeeds | undefined => {
      const own = textsBelow(tree, directory);
      if (!own.some((file) => file.endsWith(".py"))) return undefined;
      const files = new Set<string>();
      const found = new Set<string>();
      const seen = new Set<string>();
      const modules = new Set<string>();
      const named = new Set<string>();
      const roots = new Set<string>();
      const waiting = new Set([...own, dockerfile]);
      const state = { dynamic: false, climbs: false, searches: false };
      const isAround = (path: string): boolean => isIn(path, directory);

      const readBelow = (at: string): void => {
        for (const file of textsBelow(tree, at)) waiting.add(file);
      };
      const addRoots = (at: string): void => {
        for (const root of [at, posix.join(at, "src"), posix.join(at, "lib")]) roots.add(root);
      };
      /** A project around the service is that of its repository: its settings count, and what is imported of it. */
      const addProject = (at: string): void => {
        const project = projects.projectAt(at);
        if (project === undefined || seen.has(at)) return;
        seen.add(at);
        addRoots(at);
        files.add(posix.join(at, "pyproject.toml"));
        if (!isAround(at)) {
          found.add(at);
          readBelow(at);
        }
        for (const next of project.dependencies) addPath(next);
      };
      const addPath = (path: string): void => {
        if (isIn(directory, path)) return;
        if (tree.kind(path) === "file") {
          named.add(path);
          if (isText(path)) waiting.add(path);
        } else if (isAround(path) || projects.projectAt(path) !== undefined) addProject(path);
        else if (!named.has(path)) {
          named.add(path);
          roots.add(path);
          readBelow(path);
        }
      };
      const follow = (from: string, parts: readonly string[], depth: number): boolean => {
        const at = find(from, parts);
        if (at.depth < depth) return false;
        for (let end = 1; end <= parts.length; end++) modules.add(posix.join(from, ...parts.slice(0, end)));
        for (let end = 1; end <= at.depth; end++) {
          const step = posix.join(from, ...parts.slice(0, end));
          for (const file of [`${step}.py`, `${step}/__init__.py`, `${step}/__main__.py`])
            if (tree.kind(file) === "file") waiting.add(file);
        }
        return true;
      };
      const addModule = (name: string, file: string): void => {
        const [dots = ""] = /^\.*/.exec(name) ?? [];
        const parts = name.slice(dots.length).split(".").filter(Boolean);
        if (dots !== "") {
          const from = pathWithin(posix.dirname(file), "../".repeat(dots.length - 1) || ".");
          if (from === undefined) return;
          modules.add(from);
          follow(from, parts, 0);
          return;
        }
        const [first = ""] = parts;
        const here = [...roots, posix.dirname(file)].filter((root) => follow(root, parts, 1));
        // A package without a file of its own may have more of its parts elsewhere.
        if (here.every((root) => isOpen(root, parts)))
          for (const root of holders().get(first) ?? []) follow(root, parts, 1);
        // What was there before may be there no more.
        for (const root of roots) modules.add(posix.join(root, first));
      };
      /** Whether what is found ends in a package of which other directories may have parts. */
      const isOpen = (root: string, parts: readonly string[]): boolean => {
        const { depth, path } = find(root, parts);
        if (depth === 0 || depth === parts.length || tree.kind(path) !== "directory") return false;
        const text = tree.read(posix.join(path, "__init__.py"));
        return text === undefined || /\b(extend_path|declare_namespace)\b/.test(text);
      };
      /** A name in quotes may be that of a package all of which is loaded: an app of Django, a plugin. */
      const addWord = (word: string, file: string): void => {
        if (word.includes("/")) return addPathWord(word, file);
        const [name = ""] = word.split(":", 1);
        const parts = name.split(".").filter(Boolean);
        if (parts.length === 0 || !parts.every(isPackageName)) {
          if (/\.[a-z]+$/i.test(word)) addPathWord(word, file);
          return;
        }
        const least = Math.min(parts.length, 2);
        for (const root of parts.length === 1 ? ["."] : roots) {
          const at = find(root, parts);
          if (at.depth < least || isAround(at.path)) continue;
          follow(root, parts, least);
          if (at.depth === parts.length && tree.kind(at.path) === "directory") addPath(at.path);
        }
      };
      /** What a path may mean in the monorepo: an absolute one is of the image, and its end says where that has it from. */
      const meant = (word: string, file: string): string[] => {
        const written = word.replace(/^file:(\/\/)?/, "");
        const parts = written.split("/");
        const ends = /^\/|\$/.test(written)
          ? parts.map((_, index) => parts.slice(index + 1).join("/"))
          : [parts.join("/")];
        return ends
          .filter((end) => end !== "" && !/[$:]/.test(end))
          .flatMap((end) =>
            [posix.dirname(file), directory, context, "."].flatMap((base) => pathWithin(base, end) ?? []),
          )
          .filter((path) => !isAround(path) && tree.kind(path) !== undefined);
      };
      const addPathWord = (word: string, file: string): void => {
        for (const path of meant(word, file)) addPath(path);
      };
      for (const { directories, paths, members, workspace } of installs) {
        for (const path of [...directories, ...paths]) {
          const at = pathWithin(context, path);
          if (at !== undefined && tree.kind(at) === "file") waiting.add(at);
          const project = at === undefined ? undefined : upwards(at).find((up) => projects.projectAt(up) !== undefined);
          if (project !== undefined) addProject(project);
        }
        for (const path of directories) {
          const at = pathWithin(context, path);
          const all = at === undefined ? new Map<string, string>() : projects.membersOf(at);
          for (const [name, member] of all)
            if (workspace || members.some((one) => one.toLowerCase().replaceAll(/[-_.]+/g, "-") === name))
              addProject(member);
        }
      }
      for (const at of upwards(directory)) {
        addRoots(at);
        addProject(at);
      }
      // Iterating over a Set also visits what is added meanwhile.
      for (const file of waiting) {
        const names = namesIn(file);
        const depth = isIn(directory, file) ? posix.relative(directory, file).split("/").length : 0;
        state.dynamic ||= names.dynamic;
        state.climbs ||= names.climbs > depth;
        state.searches ||= names.searches;
        for (const word of names.paths) for (const path of meant(word, file)) roots.add(path);
        for (const name of names.imports) addModule(name, file);
        for (const word of names.words) addWord(word, file);
      }
      const words = once(
        () => new Set([...waiting].flatMap((file) => [...namesIn(file).words].flatMap((word) => word.split("/")))),
      );
      return {
        files: new Set([...files, ...upwards(directory).flatMap((at) => settingsAround(tree, at))]),
        projects: found,
        modules,
        named,
        sources: waiting,
        followed: new Set(
          [...waiting]
            .filter((file) => !isIn(directory, file))
            .flatMap((file) => upwards(posix.dirname(file)).filter((at) => !isAround(at))),
        ),
        understood: !state.dynamic && !(state.climbs && state.searches),
        reaches: (file) => {
          if (!state.climbs) return false;
          const foreign = upwards(posix.dirname(file)).filter((at) => !isAround(at));
          const project = projectOf(file);
          const unit = foreign.filter((at) => (project === undefined ? at === foreign.at(-1) : isIn(at, project)));
          return unit.length > 0 && unit.every((at) => words().has(posix.basename(at)));
        },
        mentions: mentionsIn(() => [...waiting].map((file) => tree.read(file) ?? "")),
      };
    },
  };
}

function settingsAround(tree: SourceTree, directory: string): string[] {
  const { files } = tree.list(directory);
  return files.filter((name) => projectFiles.test(name)).map((name) => posix.join(directory, name));
}

/** How a file affects the image of a service by the imports of Python. @param projectOf the project that a file is in */
export function matchPython(
  needs: PythonNeeds,
  own: string,
  file: string,
  projectOf: (file: string) => string | undefined,
): AffectedBy | undefined {
  if (isIn(own, file)) return undefined;
  const project = projectOf(file);
  if (needs.files.has(file) || needs.sources.has(file) || upwards(file).some((at) => needs.named.has(at)))
    return { part: "image", reason: file };
  if (project !== undefined && needs.projects.has(project)) return { part: "image", reason: `shared code ${project}` };
  // One that is compiled is imported by the same name.
  const [stem = ""] = posix.basename(file).split(".", 1);
  if (needs.modules.has(posix.join(posix.dirname(file), stem))) return { part: "image", reason: file };
  if (isPython(file)) return needs.modules.has(moduleOf(file)) ? { part: "image", reason: file } : undefined;
  // Beside what is imported may be what that reads.
  const around = upwards(posix.dirname(file)).filter(
    (at) => !isIn(at, own) && (project === undefined || isIn(project, at)),
  );
  return around.some((at) => needs.followed.has(at)) ? { part: "image", reason: file } : undefined;
}

/** Whether nothing of a service imports a file that the image has. */
export function isLeftOutByPython(own: string, file: string, projectOf: (file: string) => string | undefined): boolean {
  const project = projectOf(file);
  return (
    (isPython(file) && !/(^|\/)((site|user)customize|gunicorn\.conf)\.py$/.test(file)) ||
    (project !== undefined && !isIn(project, own))
  );
}

/** What an import of a source names, as a path. */
function moduleOf(file: string): string {
  return file.replace(/\.pyi?$/, "").replace(/\/__(init|main)__$/, "");
}
