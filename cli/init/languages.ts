import { posix } from "node:path";
import { quoteForShell } from "../../core/shell.ts";
import { upwards } from "../affected/source-tree.ts";
import { sourceDirectory } from "./context.ts";
import type { FoundImage } from "./images.ts";
import type { Repository } from "./repository.ts";

/** What a service is written in, and how it is tested. */
export interface GuessedLanguage {
  readonly language: LanguageName;
  /** Run in the root of the monorepo; `undefined`: CI knows it by the language, or there are no tests. */
  readonly test: string | undefined;
  /** Makes what the Dockerfile copies and no commit has, if that is not there; `undefined`: it is not known how. */
  readonly prepare: string | undefined;
  /** The image of CI that has the language. */
  readonly image: string | undefined;
}

export type LanguageName = (typeof languages)[number]["name"];

type Files = Pick<Repository, "files" | "has" | "read" | "under">;

interface Language {
  readonly name: string;
  /** What its projects have, by the name of the file. */
  readonly project: RegExp;
  /** Images that its code is built or run in. */
  readonly images: RegExp;
  /** The image that CI's jobs run in, with Node.js beside the language. @param version as the repository says */
  readonly ci: (version: string | undefined) => string | undefined;
  /** Images with all that its tests need, of those that Dockerfiles begin with; for where there is none of CI. */
  readonly tools?: RegExp;
  /** Where a repository says which version. */
  readonly version?: readonly [file: RegExp, pattern: RegExp];
  /** What tests are called. */
  readonly tests?: RegExp;
  /** @param at the directory with the project's file */
  readonly command?: (at: string, repository: Files) => string;
  /** Builds what the tests test. */
  readonly prepare?: (at: string, repository: Files) => string;
}

/** Maven or Gradle, with a wrapper where there is one, in the project that a module is part of. */
function javaCommand(at: string, { has }: Files, goals: { readonly maven: string; readonly gradle: string }): string {
  const isRoot = at === ".";
  if (has(posix.join(at, "pom.xml"))) {
    const root = has("pom.xml") ? "." : at;
    const maven = has(posix.join(root, "mvnw")) ? "./mvnw" : "mvn";
    return inDirectory(root, `${maven} -B -q ${root === at ? "" : `-pl ${word(at)} -am `}${goals.maven}`);
  }
  const isModule = !isRoot && !has(posix.join(at, "gradlew")) && has("gradlew");
  return isModule
    ? `./gradlew -q ${word(`:${at.replaceAll("/", ":")}:${goals.gradle}`)}`
    : inDirectory(at, `./gradlew -q ${goals.gradle}`);
}

/** In quotes where a shell would take it for something else. */
const word = (text: string): string => (/^[\w./:@+-]+$/.test(text) ? text : quoteForShell(text));

const inDirectory = (at: string, command: string): string => (at === "." ? command : `cd ${word(at)} && ${command}`);

const languages = [
  {
    name: "Go",
    project: /^go\.mod$/,
    images: /(^|\/)golang\b/,
    // A newer Go builds what is written for an older one, and its image has a newer Node.js.
    ci: (version = "1.26") =>
      `cimg/go:${version.localeCompare("1.26", "en", { numeric: true }) < 0 ? "1.26" : version}-node`,
    version: [/(^|\/)go\.mod$/, /^go (\d+\.\d+)/m],
  },
  {
    name: "Node",
    project: /^package\.json$/,
    images: /(^|\/)(node|bun|deno)\b/,
    ci: () => "cimg/node:24.11",
    prepare: (at, { has }) => {
      const root = has(posix.join(at, "package-lock.json")) || !has("package.json") ? at : ".";
      const install = has("pnpm-lock.yaml")
        ? "pnpm install --frozen-lockfile"
        : has(posix.join(root, "yarn.lock"))
          ? "yarn install --frozen-lockfile"
          : "npm ci";
      const build = `${install.split(" ")[0]} run build`;
      return root === at ? inDirectory(at, `${install} && ${build}`) : `${install} && ${inDirectory(at, build)}`;
    },
  },
  {
    name: "Java",
    project: /^(pom\.xml|build\.gradle(\.kts)?)$/,
    images: /(^|\/)(maven|gradle|openjdk|java|jdk|eclipse-temurin|amazoncorretto)\b/,
    ci: (version = "21") => `cimg/openjdk:${version}.0-node`,
    version: [
      /(^|\/)(pom\.xml|build\.gradle(\.kts)?)$/,
      /(?:java\.version>|release>|JavaLanguageVersion\.of\(|VERSION_)(\d\d)/,
    ],
    tests: /(^|\/)src\/test\//,
    command: (at, repository) => javaCommand(at, repository, { maven: "test", gradle: "test" }),
    prepare: (at, repository) => javaCommand(at, repository, { maven: "package -DskipTests", gradle: "assemble" }),
  },
  {
    name: "Python",
    project: /^(pyproject\.toml|requirements[\w.-]*\.(txt|in)|setup\.py|Pipfile)$/,
    images: /(^|\/)python\b/,
    ci: (version = "3.13") => `cimg/python:${version}-node`,
    version: [/(^|\/)\.python-version$/, /^(\d\.\d+)/],
    tests: /(^|\/)(test_[^/]+|[^/]+_test)\.py$/,
    command: (at, { has }) => {
      const requirements = has(posix.join(at, "requirements.txt")) ? "-r requirements.txt" : ".";
      return inDirectory(at, `python -m pip install -q pytest ${requirements} && python -m pytest -q`);
    },
  },
  {
    name: "Rust",
    project: /^Cargo\.toml$/,
    images: /(^|\/)rust\b/,
    ci: () => "cimg/rust:1.90-node",
    tests: /\.rs$/,
    command: (at) => inDirectory(at, "cargo test --locked"),
  },
  {
    name: "Ruby",
    project: /^Gemfile$/,
    images: /(^|\/)ruby\b/,
    ci: () => "cimg/ruby:3.4-node",
    tests: /(^|\/)(spec|test)\/.*_(spec|test)\.rb$/,
    command: (at) => inDirectory(at, "bundle install --quiet && bundle exec rake"),
  },
  {
    name: "PHP",
    project: /^composer\.json$/,
    images: /(^|\/)(php|composer)\b/,
    ci: () => "cimg/php:8.4-node",
    tests: /(^|\/)tests?\/.*Test\.php$/,
    command: (at) => inDirectory(at, "composer install --quiet && vendor/bin/phpunit"),
  },
  {
    name: ".NET",
    project: /\.(cs|fs|vb)proj$/,
    images: /dotnet/,
    ci: () => undefined,
    tools: /dotnet\/(nightly\/)?sdk\b/,
    tests: /[.-]?Tests?\/.*\.(cs|fs|vb)$/i,
    command: (at) => inDirectory(at, "dotnet test"),
  },
  { name: "Elixir", project: /^mix\.exs$/, images: /(^|\/)(elixir|hexpm\/elixir)\b/, ci: () => undefined },
  { name: "C++", project: /^(CMakeLists\.txt|meson\.build)$/, images: /(^|\/)gcc\b/, ci: () => undefined },
  { name: "no known language", project: /^$/, images: /^$/, ci: () => undefined },
] as const satisfies readonly Language[];

const all: readonly Language[] = languages;

/** The language of an image's code: by the projects around its Dockerfile, else by the images that this is made from. */
export function guessLanguage(image: Pick<FoundImage, "dockerfile" | "context">, repository: Files): GuessedLanguage {
  const text = repository.read(image.dockerfile) ?? "";
  const bases = [...text.matchAll(/^\s*FROM\s+(?:--\S+\s+)*(\S+)/gim)].map(([, base = ""]) => base.split("@")[0] ?? "");
  const start = sourceDirectory(image);
  for (const at of upwards(start)) {
    const names = repository.files.filter((file) => posix.dirname(file) === at).map((file) => posix.basename(file));
    const found = all.filter(({ project }) => names.some((name) => project.test(name)));
    // A service of several languages is what it is built in: a front end in Node beside a server in Go is common.
    const built = found.find(({ images }) => bases.some((base) => images.test(base)));
    // What is around its own directory may be of others.
    const best = built ?? (at === start ? found[0] : undefined);
    if (best !== undefined) return described(best, at, { repository, bases });
    if (at === image.context) break;
  }
  const built = all.find(({ images }) => bases.some((base) => images.test(base)));
  const isProject = (at: string): boolean =>
    repository.files.some((file) => posix.dirname(file) === at && built?.project.test(posix.basename(file)) === true);
  return described(built ?? all.at(-1), upwards(start).find(isProject), { repository, bases });
}

interface Surrounding {
  readonly repository: Files;
  /** The images that the Dockerfile begins with. */
  readonly bases: readonly string[];
}

/** @param at the directory with the project's file; `undefined`: there is none */
function described(
  language: Language | undefined,
  at: string | undefined,
  { repository, bases }: Surrounding,
): GuessedLanguage {
  if (language === undefined)
    return { language: "no known language", test: undefined, prepare: undefined, image: undefined };
  const { name, tests, command, prepare, ci, version, tools } = language;
  const isTested = at !== undefined && tests !== undefined && repository.under(at).some((file) => tests.test(file));
  // The names are those of the table.
  return {
    language: name as LanguageName,
    test: isTested ? command?.(at, repository) : undefined,
    prepare: at === undefined ? undefined : prepare?.(at, repository),
    image: ci(version && versionIn(version, repository)) ?? bases.find((base) => tools?.test(base) === true),
  };
}

/** The image that the jobs of CI run in: that of the language that most services are in. */
export function guessCiImage(
  found: readonly LanguageName[],
  repository: Files,
): { readonly image: string; readonly language: LanguageName | undefined } {
  const counted = [...Map.groupBy(found, (language) => language)]
    .map(([language, services]) => ({ language, count: services.length }))
    .toSorted((a, b) => b.count - a.count || (a.language < b.language ? -1 : 1));
  const known = counted.flatMap(({ language }) => {
    const settings = all.find(({ name }) => name === language);
    const image = settings?.ci(settings.version && versionIn(settings.version, repository));
    return image === undefined ? [] : [{ image, language }];
  });
  const [first = { image: "cimg/node:24.11", language: undefined }] = known;
  return first;
}

function versionIn([file, pattern]: readonly [RegExp, RegExp], { files, read }: Files): string | undefined {
  const versions = files
    .filter((path) => file.test(path))
    .flatMap((path) => pattern.exec(read(path) ?? "")?.[1] ?? [])
    .toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }));
  return versions.at(-1);
}
