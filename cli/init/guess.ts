import { matchesGlob, posix } from "node:path";
import { findImages, isPlain, type FoundImage } from "./images.ts";
import { guessCiImage, guessLanguage, type LanguageName } from "./languages.ts";
import type { LeftOut } from "./left-out.ts";
import { findLinks, type FoundDependency, type Links } from "./links.ts";
import { portsSetting } from "./port-names.ts";
import { peersText } from "./peer-links.ts";
import type { Repository } from "./repository.ts";
import { readRuns } from "./runs.ts";
import { flow, scalar } from "./yaml-text.ts";

/** One key of the stack file, written out. */
interface GuessedSetting {
  readonly text: string;
  /** What it is guessed from. */
  readonly because?: string | undefined;
}

export interface GuessedService {
  readonly name: string;
  readonly dockerfile: string;
  readonly context: string;
  readonly language: LanguageName;
  /** Whether `app.services` finds it, so that it needs no entry of its own. */
  readonly isFound: boolean;
  readonly settings: readonly GuessedSetting[];
  readonly remarks: readonly string[];
}

/** All that a repository tells of how it is to be delivered. */
export interface Guess {
  readonly app: string;
  /** The monorepo, relative to the program. */
  readonly directory: string;
  readonly github: string | undefined;
  readonly owner: string;
  readonly branch: string | undefined;
  /** The URL of this program's repository, where that is not the monorepo's. */
  readonly program: string | undefined;
  /** `app.services`; `undefined`: the default does. */
  readonly pattern: string | undefined;
  readonly context: "service" | "app";
  readonly ci: ReturnType<typeof guessCiImage>;
  readonly dependencies: readonly FoundDependency[];
  readonly defaults: readonly GuessedSetting[];
  readonly services: readonly GuessedService[];
  readonly leftOut: readonly LeftOut[];
  /**
   * What the repository has as the values of the stack's secrets, by their names. They are in no stack file: whoever runs the
   * repository as a developer does may take them.
   */
  readonly secretValues: ReadonlyMap<string, string>;
}

export interface GuessArgs {
  readonly repository: Repository;
  readonly directory: string;
  readonly program: string | undefined;
  /** Services that cannot be as they are guessed, and why. @default none */
  readonly refused?: ReadonlyMap<string, string>;
}

export function guessStack({ repository, directory, program, refused = new Map() }: GuessArgs): Guess {
  const { github, branch } = repository;
  const app = appName(github?.split("/")[1] ?? posix.basename(repository.checkout));
  const runs = readRuns(repository);
  const found = findImages(repository, runs, app);
  const images = found.images.filter(({ name }) => !refused.has(name));
  const leftOut = [
    ...found.leftOut,
    ...found.images.flatMap(({ name, dockerfile }) => {
      const reason = refused.get(name);
      return reason === undefined ? [] : [{ path: dockerfile, reason }];
    }),
  ].toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const { dependencies, links, passwords } = findLinks(images, runs, repository);
  const wide = images.filter(({ context }) => context === ".").length;
  const context = wide * 2 > images.length ? "app" : "service";
  const pattern = directoryPattern(images, leftOut, repository);
  const languages = new Map(images.map((image) => [image.name, guessLanguage(image, repository)]));
  const ci = guessCiImage(
    [...languages.values()].map(({ language }) => language),
    repository,
  );
  // Whatever ports Compose opens to the machine: who has the address of a container calls it.
  const called = new Set(
    [...links.values()].flatMap(({ peers }) =>
      peers.flatMap(({ name, variables }) => (variables.length > 0 ? [name] : [])),
    ),
  );
  const twinsOf = new Map(
    images.map((image) => [
      image.name,
      image.isShared && !called.has(image.name) ? listeningTwins(image, images).map(({ name }) => name) : [],
    ]),
  );
  const services = images.map((image): GuessedService => {
    const { language = "no known language", test, prepare, image: imageOfLanguage } = languages.get(image.name) ?? {};
    const isFound = pattern !== undefined && isPlain(image) && matchesGlob(posix.dirname(image.dockerfile), pattern);
    const own = links.get(image.name);
    const usable = test !== undefined && language === ci.language;
    const twins = twinsOf.get(image.name) ?? [];
    const isExposing = own?.portFrom === undefined && twins.length === 0;
    const ports = isExposing ? portsSetting(image, repository.read(image.dockerfile) ?? "") : undefined;
    return {
      name: image.name,
      dockerfile: image.dockerfile,
      context: image.context,
      language,
      isFound,
      settings: [
        ...buildSettings(image, isFound, context),
        ...(image.missing.length === 0 || prepare === undefined
          ? []
          : [prepareSetting(image.missing, prepare, imageOfLanguage === ci.image ? undefined : imageOfLanguage)]),
        ...(ports === undefined ? [] : [ports]),
        ...startSettings(image),
        ...(twins.length > 0
          ? [{ text: "kind: worker", because: `${image.run?.file} gives ports to ${twins.join(" and ")} alone` }]
          : []),
        ...(twins.length === 0 && own?.port === undefined && ports === undefined
          ? [{ text: "kind: worker", because: "no port is known; if it listens, `port` in place of this" }]
          : []),
        ...(own === undefined
          ? []
          : linkSettings({
              ...own,
              portFrom: twins.length > 0 ? undefined : own.portFrom,
              peers: own.peers.filter(({ name }) => twinsOf.get(name)?.length === 0),
            })),
        ...(language === "Java" ? [memoryOfJava] : []),
        ...(usable ? [{ text: `test: { command: ${scalar(test)} }`, because: language }] : []),
      ],
      remarks: [
        ...(image.missing.length === 0 || prepare !== undefined
          ? []
          : [
              `its Dockerfile copies ${image.missing.join(", ")}, which Git does not have: build.prepare is to make it`,
            ]),
        ...(test !== undefined && !usable
          ? [`test: { command: ${scalar(test)} } needs ${language}, which ci.image does not have`]
          : []),
      ],
    };
  });
  return {
    app,
    directory,
    github,
    owner: (github?.split("/")[0] ?? app).toLowerCase().replaceAll(/[^a-z0-9_.-]/g, "-"),
    branch,
    program,
    pattern,
    context,
    ci,
    dependencies,
    defaults: [],
    services: services.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    leftOut,
    secretValues: new Map([
      ...passwords,
      ...[...links.values()].flatMap(({ secrets }) => secrets.map(({ secret, value }) => [secret, value] as const)),
    ]),
  };
}

/** @param image what it runs in. @default that of all jobs */
function prepareSetting(missing: readonly string[], command: string, image: string | undefined): GuessedSetting {
  const value = image === undefined ? scalar(command) : flow({ command, image });
  return { text: `build: { prepare: ${value} }`, because: `makes ${missing.join(", ")}, which Git does not have` };
}

/** What one of several containers of an image runs in place of the image's own. */
function startSettings({ run, isShared }: FoundImage): GuessedSetting[] {
  if (!isShared || run === undefined) return [];
  const { command, args, file } = run;
  return Object.entries({ command, args }).flatMap(([name, words]) =>
    words === undefined ? [] : [{ text: `${name}: [${words.map(scalar).join(", ")}]`, because: file }],
  );
}

/** The other containers of an image, if they are the ones that have ports: this one then does not listen at what the image EXPOSEs. */
function listeningTwins({ run, dockerfile }: FoundImage, images: readonly FoundImage[]): FoundImage[] {
  if (run === undefined || run.ports.length > 0) return [];
  return images.filter((other) => other.dockerfile === dockerfile && (other.run?.ports ?? []).length > 0);
}

/** The default, 128Mi, is less than what an empty virtual machine takes. */
const memoryOfJava: GuessedSetting = {
  text: "resources: { requests: { memory: 256Mi }, limits: { memory: 512Mi } }",
  because: "Java; the default is 128Mi",
};

function buildSettings(image: FoundImage, isFound: boolean, preset: "service" | "app"): GuessedSetting[] {
  const { dockerfile, context, because, target, buildArgs } = image;
  const beside = posix.dirname(dockerfile);
  const usual = preset === "app" ? "." : beside;
  return [
    ...(isFound ? [] : [{ text: `dockerfile: ${scalar(dockerfile)}` }]),
    ...(context === usual ? [] : [{ text: `context: ${context === "." ? "." : scalar(context)}`, because }]),
    ...(target === undefined ? [] : [{ text: `target: ${scalar(target)}` }]),
    ...(buildArgs === undefined ? [] : [{ text: `buildArgs: ${flow(buildArgs)}`, because: image.run?.file }]),
  ];
}

function linkSettings({ port, portFrom, peers, dependencies, environment, secrets }: Links): GuessedSetting[] {
  const uses = [...dependencies].map(([name, { variable }]) => `${name}: { address: ${variable} }`);
  const reasons = [...new Set([...dependencies.values()].map(({ because }) => because))];
  const added = [...dependencies.values()].filter(({ isRead }) => !isRead).map(({ variable }) => variable);
  const hint =
    added.length === 0
      ? []
      : [`→ ${added.join(", ")} as host:port ${added.length === 1 ? "is" : "are"} new to the code`];
  return [
    ...(portFrom === undefined || port === undefined ? [] : [{ text: `port: ${port}`, because: portFrom }]),
    ...(peers.length === 0
      ? []
      : [{ text: peersText(peers), because: peers.flatMap((peer) => peer.because ?? []).join("; ") || undefined }]),
    ...(uses.length === 0
      ? []
      : [{ text: `dependencies: { ${uses.join(", ")} }`, because: [...reasons, ...hint].join("; ") }]),
    ...(Object.keys(environment).length === 0 ? [] : [{ text: `env: ${flow(environment)}` }]),
    ...(secrets.length === 0
      ? []
      : [
          {
            text: `secrets: ${flow(Object.fromEntries(secrets.map(({ variable, secret }) => [variable, secret])))}`,
            because: "their values are no settings; `init --check` says how to set them",
          },
        ]),
  ];
}

/** A name that the stack file takes: lower case letters, digits and dashes. */
export function appName(name: string): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, "-")
    .replaceAll(/^[^a-z]+|-+$/g, "");
  return plain.slice(0, 32).replace(/-+$/, "") || "app";
}

/**
 * `app.services`: finds the directories of all images that need nothing more, and no other directory with a Dockerfile, so that
 * services that come later need no entry either. `undefined`: there is none to be found.
 */
function directoryPattern(
  images: readonly FoundImage[],
  leftOut: readonly LeftOut[],
  repository: Pick<Repository, "files">,
): string | undefined {
  const plain = images.filter((image) => isPlain(image) && posix.dirname(image.dockerfile) !== ".");
  const wanted = new Set(plain.map(({ dockerfile }) => posix.dirname(dockerfile)));
  const unwanted = new Set(
    [...leftOut.map(({ path }) => path), ...images.map(({ dockerfile }) => dockerfile), ...repository.files]
      .filter((path) => posix.basename(path) === "Dockerfile")
      .map((path) => posix.dirname(path))
      .filter((directory) => !wanted.has(directory)),
  );
  const groups = Map.groupBy(wanted, (directory) => posix.dirname(directory));
  const patterns = [...groups].flatMap(([parent, directories]): string[] => {
    const within = (name: string): string => (parent === "." ? name : `${parent}/${name}`);
    if (directories.length === 1) return directories;
    const excluded = [...unwanted]
      .filter((directory) => matchesGlob(directory, within("*")))
      .map((path) => posix.basename(path));
    if (excluded.some((name) => !/^[\w.@-]+$/.test(name))) return directories;
    return [within(excluded.length === 0 ? "*" : `!(${excluded.toSorted().join("|")})`)];
  });
  const [first, ...rest] = patterns.toSorted();
  return first === undefined || rest.length === 0 ? first : `{${[first, ...rest].join(",")}}`;
}
