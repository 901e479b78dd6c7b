import { closureOf, lines, type ImageRecipe, type Language, type Unit } from "./model.ts";
import type { Random } from "./random.ts";

/** How large generated repositories are. */
export interface RepositoryScale {
  readonly libraries: number;
  readonly services: number;
}

/** One commit of a generated repository: all of its files, and what each image is made of. */
export interface Snapshot {
  readonly files: ReadonlyMap<string, string>;
  readonly images: readonly GeneratedImage[];
}

/** The image of a service. */
export interface GeneratedImage extends ImageRecipe {
  readonly service: Unit;
  /** The service, the libraries that it depends on, and what else its Dockerfile builds. */
  readonly needed: readonly Unit[];
}

/** A repository, and the edits that its commits are made of. */
interface State {
  readonly units: ReadonlyMap<string, Unit>;
  readonly versions: ReadonlyMap<string, number>;
}

const sharedFiles = ["rates", "texts", "regions", "limits"];
/** What is in most repositories and no image is made of. */
const operations = [
  "compose.yaml",
  "terraform/main.tf",
  "terraform/modules/network/main.tf",
  ".github/workflows/ci.yml",
  "deploy/values.yaml",
  "docs/guide.md",
  "README.md",
  "CHANGELOG.md",
  ".editorconfig",
];

/** A repository of one language, and so many commits, each a few edits after the one before. */
export function generateRepository(
  language: Language,
  random: Random,
  { libraries, services }: RepositoryScale,
  commits: number,
): Snapshot[] {
  const state = { current: firstState(language, random, libraries, services) };
  return Array.from({ length: commits + 1 }, (_, index) => {
    for (let edits = index === 0 ? 0 : 1 + random.below(3); edits > 0; edits--)
      state.current = edited(language, random, state.current);
    return snapshotOf(language, state.current);
  });
}

function firstState(language: Language, random: Random, libraries: number, services: number): State {
  const units: Unit[] = [];
  const shared = (): string[] => (language.shares && random.chance(0.3) ? random.some(sharedFiles, 1) : []);
  for (let index = 0; index < libraries; index++) {
    const name = `lib${index}`;
    // Libraries depend on those before them, so that there are no circles.
    const earlier = units.map((unit) => unit.name);
    units.push({
      kind: "library",
      name,
      directory: `${language.libraries}/${name}`,
      dependencies: new Set(random.some(earlier, random.below(3))),
      sources: ["alpha", "beta"],
      shares: shared(),
      style: "",
    });
  }
  const names = units.map((unit) => unit.name);
  for (let index = 0; index < services; index++)
    units.push({
      kind: "service",
      name: `app${index}`,
      directory: `svc/app${index}`,
      dependencies: new Set(random.some(names, 1 + random.below(3))),
      sources: ["alpha", "beta", "gamma"],
      shares: shared(),
      style: random.weighted(language.styles).name,
    });
  return { units: new Map(units.map((unit) => [unit.name, unit])), versions: new Map() };
}

/** One edit: mostly of one file, sometimes of what depends on what. */
function edited(language: Language, random: Random, state: State): State {
  const units = [...state.units.values()];
  const { kind } = random.weighted([
    { kind: "file", weight: 60 },
    { kind: "operations", weight: 20 },
    { kind: "root", weight: 4 },
    { kind: "shared", weight: 4 },
    { kind: "dependency", weight: 5 },
    { kind: "source", weight: 5 },
    { kind: "style", weight: 2 },
  ]);
  const edit = (path: string): State => ({
    ...state,
    versions: new Map([...state.versions, [path, (state.versions.get(path) ?? 0) + 1]]),
  });
  const change = (unit: Unit): State => ({ ...state, units: new Map([...state.units, [unit.name, unit]]) });
  // Half of all edits are made to services.
  const unit = random.pick(units.filter((one) => one.kind === (random.chance(0.5) ? "service" : "library")));
  const files = [...snapshotOf(language, state).files.keys()];
  switch (kind) {
    case "file":
      return edit(random.pick(files.filter((path) => path.startsWith(`${unit.directory}/`))));
    case "root":
      return edit(random.pick(Object.keys(language.rootFiles(units, () => 0))));
    case "shared":
      return edit(`shared/${random.pick(sharedFiles)}.json`);
    case "operations":
      return edit(random.pick(operations));
    case "dependency": {
      const possible = units.filter((one) => one.kind === "library" && (unit.kind === "service" || before(one, unit)));
      const [one] = random.some(possible, 1);
      if (one === undefined) return state;
      const others = [...unit.dependencies].filter((name) => name !== one.name);
      return change({
        ...unit,
        dependencies: new Set(unit.dependencies.has(one.name) ? others : [...others, one.name]),
      });
    }
    case "source": {
      const removed = random.pick(unit.sources);
      const added = `more${random.below(100)}`;
      const sources =
        random.chance(0.5) && unit.sources.length > 1
          ? unit.sources.filter((name) => name !== removed)
          : [...new Set([...unit.sources, added])];
      return change({ ...unit, sources });
    }
    default: {
      const service = random.pick(units.filter((one) => one.kind === "service"));
      return change({ ...service, style: random.weighted(language.styles).name });
    }
  }
}

function before(one: Unit, other: Unit): boolean {
  return Number(one.name.slice("lib".length)) < Number(other.name.slice("lib".length));
}

function snapshotOf(language: Language, { units, versions }: State): Snapshot {
  const all = [...units.values()];
  const versionOf = (path: string): number => versions.get(path) ?? 0;
  const files = new Map<string, string>(Object.entries(language.rootFiles(all, versionOf)));
  for (const path of operations) files.set(path, lines(`# ${versionOf(path)}`));
  for (const name of sharedFiles)
    files.set(`shared/${name}.json`, lines(`{"version": ${versionOf(`shared/${name}.json`)}}`));
  for (const unit of all) {
    const libraries = [...unit.dependencies].flatMap((name) => units.get(name) ?? []);
    const version = (path: string): number => versionOf(`${unit.directory}/${path}`);
    for (const [path, content] of Object.entries(language.unitFiles({ unit, libraries, version })))
      files.set(`${unit.directory}/${path}`, content);
  }
  const images = all
    .filter(({ kind }) => kind === "service")
    .map((service): GeneratedImage => {
      const recipe = recipeOf(language, service, closureOf(service, units), all);
      const built = (recipe.builds ?? [])
        .flatMap((name) => units.get(name) ?? [])
        .flatMap((unit) => closureOf(unit, units));
      return { ...recipe, service, needed: [...new Set([...closureOf(service, units), ...built])] };
    });
  for (const { service, dockerfile, ignore } of images) {
    const path = `${service.directory}/Dockerfile`;
    files.set(path, `${dockerfile}EXPOSE ${8000 + versionOf(path)}\n`);
    if (ignore !== undefined) files.set(`${path}.dockerignore`, ignore);
  }
  return { files, images };
}

function recipeOf(language: Language, service: Unit, needed: readonly Unit[], all: readonly Unit[]): ImageRecipe {
  const style = language.styles.find(({ name }) => name === service.style);
  if (style === undefined) throw new Error(`${language.name} has no style ${service.style}`);
  return style.recipe(service, needed, all);
}
