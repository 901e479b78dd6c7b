import { matchesGlob, posix } from "node:path";
import { directoryPattern } from "./directory-pattern.ts";
import type { FoundDependency } from "./found-dependency.ts";
import {
  buildSettings,
  endSettings,
  linkSettings,
  memoryOfJava,
  migrationSettings,
  prepareSetting,
  runRemarks,
  startSettings,
  testSetting,
  type GuessedSetting,
} from "./guessed-settings.ts";
import { findImages, isPlain, type FoundImage } from "./images.ts";
import { guessCiImage, guessLanguage, type LanguageName } from "./languages.ts";
import type { LeftOut } from "./left-out.ts";
import { findLinks } from "./links.ts";
import { migrationHint } from "./migration-hint.ts";
import { portsSetting } from "./port-names.ts";
import type { Repository } from "./repository.ts";
import { readRuns } from "./runs.ts";
import { scalar } from "./yaml-text.ts";

export interface GuessedService {
  readonly name: string;
  readonly dockerfile: string;
  readonly context: string;
  readonly language: LanguageName;
  /** Whether `app.services` finds it, so that it needs no entry of its own. */
  readonly isFound: boolean;
  readonly hasMigrations: boolean;
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
      image.isShared && image.kind === undefined && !called.has(image.name)
        ? listeningTwins(image, images).map(({ name }) => name)
        : [],
    ]),
  );
  const migrated = new Set(
    images.flatMap(({ dockerfile, migration }) => (migration === undefined ? [] : [dockerfile])),
  );
  const services = images.map((image): GuessedService => {
    const { language = "no known language", test, prepare, image: imageOfLanguage } = languages.get(image.name) ?? {};
    const isFound = pattern !== undefined && isPlain(image) && matchesGlob(posix.dirname(image.dockerfile), pattern);
    const own = links.get(image.name);
    const isTestable = language === ci.language || imageOfLanguage !== undefined;
    const twins = twinsOf.get(image.name) ?? [];
    const isExposing = own?.listens.from === undefined && twins.length === 0 && image.kind === undefined;
    const ports = isExposing ? portsSetting(image, repository.read(image.dockerfile) ?? "") : undefined;
    return {
      name: image.name,
      dockerfile: image.dockerfile,
      context: image.context,
      language,
      isFound,
      hasMigrations: image.migration !== undefined,
      settings: [
        ...buildSettings(image, isFound, context),
        ...(image.missing.length === 0 || prepare === undefined
          ? []
          : [prepareSetting(image.missing, prepare, imageOfLanguage === ci.image ? undefined : imageOfLanguage)]),
        ...(ports === undefined ? [] : [ports]),
        ...(own === undefined ? [] : startSettings(image, own)),
        ...endSettings(image),
        ...(twins.length > 0
          ? [{ text: "kind: worker", because: `${image.run?.file} gives ports to ${twins.join(" and ")} alone` }]
          : []),
        ...(image.kind === undefined && twins.length === 0 && own?.listens.port === undefined && ports === undefined
          ? [{ text: "kind: worker", because: "no port is known; if it listens, `port` in place of this" }]
          : []),
        ...(own === undefined
          ? []
          : linkSettings(
              {
                ...own,
                listens: twins.length > 0 ? { ...own.listens, from: undefined } : own.listens,
                peers: own.peers.filter(({ name }) => twinsOf.get(name)?.length === 0),
              },
              image.run?.file,
            )),
        ...(language === "Java" ? [memoryOfJava] : []),
        ...migrationSettings(image),
        ...(isTestable && test !== undefined
          ? [testSetting(test, language, language === ci.language ? undefined : imageOfLanguage)]
          : []),
      ],
      remarks: [
        ...(image.missing.length === 0 || prepare !== undefined
          ? []
          : [
              `its Dockerfile copies ${image.missing.join(", ")}, which Git does not have: build.prepare is to make it`,
            ]),
        ...(test !== undefined && !isTestable
          ? [
              `test: { command: ${scalar(test)} } needs ${language}, which ci.image does not have: \`image\` of \`test\``,
            ]
          : []),
        ...(image.migration === undefined || image.migration.lacking.length === 0
          ? []
          : [
              `→ its migrations have ${image.migration.lacking.join(", ")} in ${image.migration.file}, which it has not`,
            ]),
        ...(migrated.has(image.dockerfile) ? [] : [migrationHint(image, repository) ?? []].flat()),
        ...(own === undefined ? [] : runRemarks(own, image.run?.file ?? "what runs it")),
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
      ...[...links.values()].flatMap(({ secrets }) =>
        secrets.flatMap(({ secret, value }) => (value === undefined ? [] : [[secret, value] as const])),
      ),
    ]),
  };
}

/** The other containers of an image, if they are the ones that have ports: this one then does not listen at what the image EXPOSEs. */
function listeningTwins({ run, dockerfile }: FoundImage, images: readonly FoundImage[]): FoundImage[] {
  if (run === undefined || run.ports.length > 0) return [];
  return images.filter((other) => other.dockerfile === dockerfile && (other.run?.ports ?? []).length > 0);
}

/** A name that the stack file takes: lower case letters, digits and dashes. */
export function appName(name: string): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, "-")
    .replaceAll(/^[^a-z]+|-+$/g, "");
  return plain.slice(0, 32).replace(/-+$/, "") || "app";
}
