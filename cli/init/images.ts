import { posix } from "node:path";
import { buildChoices, isDockerfileName, type BuildChoice } from "../../components/dockerfile/dockerfile.ts";
import { isIn } from "../affected/source-tree.ts";
import { serviceName } from "../../core/names.ts";
import { guessContext, type GuessedContext } from "./context.ts";
import { imageOwners } from "./image-owners.ts";
import { withJarTemplates } from "./jar-template.ts";
import { dockerfileSuffix, leftOutReason, type LeftOut } from "./left-out.ts";
import { knownImage } from "./known-images.ts";
import { withHardCodedNames } from "./hard-coded-hosts.ts";
import type { Repository } from "./repository.ts";
import { hasCommand, rolesOf, type GuessedMigration } from "./roles.ts";
import { union, type Run } from "./run.ts";

/** An image that the repository builds. Paths are from its root. */
export interface FoundImage extends GuessedContext, BuildChoice {
  readonly name: string;
  readonly dockerfile: string;
  /** How it is run, if the repository says so. */
  readonly run: Run | undefined;
  /** Other images of the same Dockerfile that nothing but their environment tells apart. */
  readonly isShared: boolean;
  /** Where it comes to an end by itself: at set times, or once for every image. */
  readonly kind: "job" | "cron" | undefined;
  readonly migration: GuessedMigration | undefined;
}

/** All images, sorted by their Dockerfiles, and the Dockerfiles that are none of a service. */
export function findImages(
  repository: Pick<Repository, "files" | "has" | "read" | "under" | "linked">,
  given: readonly Run[],
  app: string,
): { readonly images: readonly FoundImage[]; readonly leftOut: readonly LeftOut[] } {
  const built = new Set(given.flatMap(({ build }) => build?.dockerfile ?? []));
  const dockerfiles = repository.files.filter(
    (path) => isDockerfileName(posix.basename(path)) || (built.has(path) && repository.has(path)),
  );
  const runs = withJarTemplates(given, dockerfiles, repository);
  const leftOut: LeftOut[] = [...submodules(repository)];
  const owners = imageOwners(
    runs.flatMap(({ build, image }) =>
      build === undefined && knownImage(image ?? "") === undefined ? repositoryOf(image) : [],
    ),
    dockerfiles.map((path) => ({ path, names: imageNames(path, app) })),
    app,
  );
  // A link and the file that it leads to are one: the one with the plainer name counts.
  const twins = new Map(
    dockerfiles.flatMap((path) => {
      const target = repository.linked(path);
      if (target === undefined || !dockerfiles.includes(target)) return [];
      const isPlainer = dockerfileSuffix(path).length < dockerfileSuffix(target).length;
      return [isPlainer ? ([target, path] as const) : ([path, target] as const)];
    }),
  );
  const found: Omit<FoundImage, "name">[] = [];
  for (const path of dockerfiles) {
    const own = runsOf(path, runs, owners);
    const text = repository.read(path) ?? "";
    const twin = twins.get(path);
    const reason =
      twin === undefined
        ? (leftOutReason(path, text, own, dockerfiles) ?? missingArguments(text, own))
        : `is the same file as ${twin}`;
    if (reason !== undefined) leftOut.push({ path, reason });
    else {
      const { images, without } = imagesOf(path, text, own, repository);
      found.push(...images);
      leftOut.push(...without);
    }
  }
  const others = builtOtherwise(runs, found, repository);
  return {
    images: withHardCodedNames(named(found, app), repository, folderOf),
    leftOut: [...leftOut, ...others.filter(({ path }, at) => others.findIndex((one) => one.path === path) === at)],
  };
}

/** Parts of the repository that are repositories of their own: Git lists nothing of what is in them. */
function submodules({ read }: Pick<Repository, "read">): LeftOut[] {
  return [...(read(".gitmodules") ?? "").matchAll(/^\s*path\s*=\s*(.+?)\s*$/gm)].map(([, path = ""]) => ({
    path,
    reason:
      "is a submodule; its services need a stack file of their own, or an entry in `services` each, with `dockerfile`",
  }));
}

/** Containers whose images are named like a directory with a project, and that no Dockerfile is known to build. */
function builtOtherwise(
  runs: readonly Run[],
  found: readonly Unnamed[],
  { files }: Pick<Repository, "files">,
): LeftOut[] {
  const projects = new Set(
    files
      .filter((file) => /(^|\/)(pom\.xml|build\.gradle(\.kts)?|package\.json|go\.mod|[^/]+\.csproj)$/.test(file))
      .map((file) => posix.dirname(file)),
  );
  return runs.flatMap(({ name, image, file, build }) => {
    const last = repositoryOf(image)[0]?.split("/").at(-1);
    if (build !== undefined || last === undefined || knownImage(image ?? "") !== undefined) return [];
    const directory = [...projects].find((at) => posix.basename(at) === last || posix.basename(at) === name);
    const hasDockerfile = found.some(
      ({ dockerfile, run }) => run?.name === name || (directory !== undefined && isIn(directory, dockerfile)),
    );
    return directory === undefined || hasDockerfile
      ? []
      : [{ path: directory, reason: `${file} runs it as ${name}, from an image that no Dockerfile is known to build` }];
  });
}

/**
 * The containers that run an image of a Dockerfile: those that are built of it, and those that name its image, or one that is called
 * as it would be.
 */
function runsOf(path: string, runs: readonly Run[], owners: ReadonlyMap<string, string>): Run[] {
  const built = runs.filter(({ build }) => build?.dockerfile === path);
  const images = new Set(built.flatMap(({ image }) => repositoryOf(image)));
  const same = runs.filter(({ build, image }) => {
    const [name] = repositoryOf(image);
    return build === undefined && name !== undefined && (images.has(name) || owners.get(name) === path);
  });
  // Several files each start the same containers; the one that starts the most of them tells them apart.
  const [compose = []] = [
    ...Map.groupBy(
      [...built, ...same].filter(({ isCompose }) => isCompose),
      ({ file }) => file,
    ).values(),
  ].toSorted((a, b) => b.length - a.length);
  const manifests = same.filter(({ isCompose }) => !isCompose);
  const ending = manifests.filter((run) => run.runs !== "always");
  const staying = manifests.filter((run) => run.runs === "always");
  // Of one image, what differs in nothing that it runs is the same in another place.
  const chosen = compose.length > 0 ? compose : staying.some(hasCommand) ? staying : staying.slice(0, 1);
  const [only, second] = chosen;
  if (only === undefined || second !== undefined) return [...chosen, ...ending];
  const elsewhere = [...built, ...same].filter((run) => run !== only && run.runs === "always").map(({ name }) => name);
  return [{ ...only, aliases: union(only.aliases, elsewhere) }, ...ending];
}

/** The name of an image without what chooses one of its versions. */
function repositoryOf(image: string | undefined): string[] {
  return image === undefined ? [] : [(image.split("@")[0] ?? "").replace(/:[^/:]*$/, "")];
}

/** Arguments that say what is copied, and that neither the Dockerfile nor anything else gives a value. */
function missingArguments(text: string, runs: readonly Run[]): string | undefined {
  const given = new Set(runs.flatMap(({ build }) => Object.keys(build?.args ?? {})));
  const open = [...text.matchAll(/^\s*ARG\s+([A-Za-z_]\w*)\s*$/gim)].flatMap(([, name]) => name ?? []);
  const copied = [...text.matchAll(/^\s*(?:COPY|ADD)\s+(?!--from)(.*)$/gim)].map(([, rest = ""]) => rest).join("\n");
  const missing = open.filter((name) => !given.has(name) && new RegExp(`\\$\\{?${name}\\b(?!:-)`).test(copied));
  return missing.length === 0
    ? undefined
    : `copies what ${missing.join(", ")} says, to which nothing here gives a value: write one entry in \`services\` per image, with \`dockerfile\` and \`buildArgs\``;
}

type Unnamed = Omit<FoundImage, "name">;

function imagesOf(
  dockerfile: string,
  text: string,
  runs: readonly Run[],
  repository: Pick<Repository, "files" | "has" | "read" | "under">,
): { readonly images: readonly Unnamed[]; readonly without: readonly LeftOut[] } {
  const choices = buildChoices(text);
  const { services, migrations, leftOut } = rolesOf(dockerfile, text, runs);
  const image = (run: Run | undefined, isShared: boolean): Unnamed => {
    const given = Object.entries(run?.build?.args ?? {}).filter(
      ([name, value]) => value !== "" && (choices?.args.has(name) ?? true),
    );
    const choice = {
      target: targetOf(run?.build?.target, choices?.stages ?? []),
      buildArgs: given.length === 0 ? undefined : Object.fromEntries(given),
    };
    return {
      dockerfile,
      run,
      isShared,
      kind: run === undefined || run.runs === "always" ? undefined : run.schedule === undefined ? "job" : "cron",
      migration: run && migrations.get(run),
      ...choice,
      ...guessContext({ dockerfile, text, choice, run }, repository),
    };
  };
  if (services.length === 0) return { images: [image(undefined, false)], without: leftOut };
  const isShared = services.length > 1;
  return { images: services.map((run) => image(run, isShared)), without: leftOut };
}

const forDevelopment = /^(dev(el(op(ment)?)?)?|debug|tests?|local|lint)$/i;
const forProduction = /^(prod(uction)?|release|final|runtime|runner|deploy)$/i;

/** The stage that is delivered; `undefined`: the last one. */
function targetOf(given: string | undefined, stages: readonly string[]): string | undefined {
  if (given !== undefined && !forDevelopment.test(given)) return given;
  return forDevelopment.test(stages.at(-1) ?? "") ? stages.findLast((stage) => forProduction.test(stage)) : undefined;
}

/** Folders that say where a Dockerfile is, and not of what. */
const generic = /^(src|source|docker(files?)?|containers?|images?|build|cmd|main|deploy(ment)?|package|\.)$/i;

function named(images: readonly Unnamed[], app: string): FoundImage[] {
  const dockerfiles = Map.groupBy(new Set(images.map(({ dockerfile }) => dockerfile)), (path) => posix.dirname(path));
  // Where a directory has one Dockerfile of a service, its name need not tell it from others.
  const isAlone = ({ dockerfile }: Unnamed): boolean => dockerfiles.get(posix.dirname(dockerfile))?.length === 1;
  const first = images.map((image) => ({ image, name: normal(nameOf(image, app, isAlone(image)), app) }));
  const counts = Map.groupBy(first, ({ name }) => name);
  const second = first.map(({ image, name }) => {
    const isSingle = (counts.get(name)?.length ?? 0) === 1;
    return { image, name: isSingle ? name : normal(longName(image, app), app) };
  });
  const taken = new Set<string>();
  return second.map(({ image, name }) => {
    const free = [name, ...Array.from({ length: images.length }, (_, index) => `${name}-${index + 2}`)].find(
      (candidate) => !taken.has(candidate),
    );
    taken.add(free ?? name);
    return { ...image, name: free ?? name };
  });
}

function nameOf(
  { dockerfile, run, isShared }: Pick<Unnamed, "dockerfile" | "run" | "isShared">,
  app: string,
  isAlone: boolean,
): string {
  const folder = folderOf(dockerfile);
  const suffix = dockerfileSuffix(dockerfile);
  if (isShared && run !== undefined) return run.name;
  if (suffix === "") return folder ?? app;
  if (isGenericPlace(dockerfile)) return suffix;
  return isAlone || folder === suffix ? (folder ?? app) : `${serviceName(folder ?? app)}-${suffix}`;
}

/** The directory that says what it is; `undefined`: there is none. */
function folderOf(dockerfile: string): string | undefined {
  return posix
    .dirname(dockerfile)
    .split("/")
    .findLast((part) => !generic.test(part));
}

/** What the image of a Dockerfile would be called. */
function imageNames(dockerfile: string, app: string): string[] {
  const image = { dockerfile, run: undefined, isShared: false };
  const own = nameOf(image, app, false);
  return [own, ...(dockerfileSuffix(dockerfile) === "" ? [folderOf(dockerfile) ?? app] : [])].flatMap((name) => [
    normal(name, app),
    name.toLowerCase().replaceAll("_", "-"),
  ]);
}

function isGenericPlace(dockerfile: string): boolean {
  return generic.test(posix.basename(posix.dirname(dockerfile)));
}

/** With the folders around it. */
function longName(image: Unnamed, app: string): string {
  const folders = posix
    .dirname(image.dockerfile)
    .split("/")
    .filter((part) => !generic.test(part));
  const suffix = dockerfileSuffix(image.dockerfile);
  return [...folders.slice(-2), ...(suffix === "" ? [] : [suffix])].join("-") || app;
}

/** A name that Kubernetes takes. */
function normal(name: string, app: string): string {
  const plain = serviceName(name)
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  return (/^[a-z]/.test(plain) ? plain : `${app}-${plain}`).slice(0, 50).replace(/-+$/, "");
}

/** Whether an image is what a directory with a file `Dockerfile` stands for, under the name that it gives. */
export function isPlain({ dockerfile, name, target, isShared }: FoundImage): boolean {
  const folder = posix.basename(posix.dirname(dockerfile));
  return (
    // A glob would mean something else by other characters.
    /^[\w./@-]+$/.test(dockerfile) &&
    posix.basename(dockerfile) === "Dockerfile" &&
    serviceName(folder) === name &&
    !isShared &&
    target === undefined
  );
}
