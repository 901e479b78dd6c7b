import { posix, relative } from "node:path";
import { kubeconfigVariable } from "../../core/names.ts";
import { schemaVersion } from "../../core/schema-version.ts";
import type { CiEngineName } from "../../stacks/ci-schema.ts";
import type { StackSettings } from "../../stacks/schema.ts";
import { knownImage } from "./known-images.ts";
import type { Guess, GuessedService } from "./guess.ts";
import { flow, scalar } from "./yaml-text.ts";

/** What stands for an id that only CircleCI knows: valid, so that a preview works, and nobody's. */
export const placeholderId = "00000000-0000-0000-0000-000000000000";

/** What the URL of a deploy repository begins with where nobody knows whose it is. */
export const placeholderOwner = "https://github.com/owner/";

/** What an environment's stack file says that the repository does not tell. */
export interface EnvironmentPlace {
  readonly engine: CiEngineName;
  /** @default this one is the first */
  readonly follows?: Following | undefined;
}

/** An environment after others. */
export interface Following {
  readonly environment: string;
  /** The stack that owns what environments share. */
  readonly owner: string;
  /** The environment whose images come here. */
  readonly from: string;
  /** What the owner says and all have in common, whatever the repository tells. */
  readonly shared: SharedSettings;
}

interface SharedSettings {
  readonly app: string;
  readonly images: Pick<StackSettings["images"], "registry" | "organization" | "login" | "username">;
  /** The deploy repository. @default it names none */
  readonly repository: string | undefined;
  /** CircleCI's. @default it names none */
  readonly organizationId: string | undefined;
}

/** What stands for the slug of a project that another stack makes. */
export const placeholderSlug = `circleci/${placeholderId}/${placeholderId}`;

/** The stack file, with a comment for each guess, and an arrow where somebody has to fill in. */
export function stackText(guess: Guess, place: EnvironmentPlace = { engine: "circleci" }): string {
  const { services, leftOut } = guess;
  const { follows } = place;
  const lines = [
    "# Written by `npx delivery init`. Comments say what is guessed, and from what; → is to be filled in or checked.",
    "config:",
    ...section("schemaVersion", [String(schemaVersion)]),
    ...appLines(guess, follows),
    ...imagesLines(guess, follows),
    ...ciLines(guess, place),
    ...(guess.github === undefined
      ? ["  # delivery:github: { repository: owner/name } # → for pull requests; the checkout has no remote on GitHub"]
      : [
          "  delivery:github:",
          `    repository: ${scalar(guess.github)} # the remote \`origin\``,
          ...(guess.branch === undefined
            ? ["    # branch: main # → what is merged there is delivered; the checkout has no branch"]
            : [`    branch: ${scalar(guess.branch)} # what is merged there is delivered`]),
        ]),
    "  delivery:gitops:",
    follows?.shared.repository === undefined
      ? `    repository: ${scalar(`${guess.github === undefined ? `${placeholderOwner}${guess.app}` : `https://github.com/${guess.github}`}-deploy.git`)} # → a repository of yours, which may be empty`
      : `    repository: ${scalar(follows.shared.repository)} # that of ${follows.owner}`,
    ...(follows === undefined
      ? ["  delivery:owns:", "    ciProject: true", "    argoCd: true"]
      : [
          `    branch: ${scalar(follows.environment)} # of its own, since each environment's stack writes one`,
          `  delivery:promotion: { from: ${scalar(follows.from)} } # whose images come here; what environments share, ${follows.owner} owns`,
        ]),
    ...dependencyLines(guess),
    ...defaultLines(guess),
    // A section of nothing but comments would be no map.
    ...(services.some(({ settings }) => settings.length > 0) ? ["  delivery:services:"] : []),
    ...services.flatMap(serviceLines),
    ...(leftOut.length === 0
      ? []
      : [
          "  # No service is made of these; to have one, write an entry with `dockerfile` into `services`.",
          ...leftOut.map(({ path, reason }) => `  # ${path}: ${reason}`),
        ]),
  ];
  // A path may have characters that would end a comment.
  return `${lines.map((line) => line.replaceAll(/[\p{Cc}\u2028\u2029]/gu, " ")).join("\n")}\n`;
}

function section(name: string, [first = "", ...rest]: readonly string[]): string[] {
  return [`  delivery:${name}:${first === "" ? "" : ` ${first}`}`, ...rest];
}

function appLines({ app, directory, pattern, services }: Guess, follows: Following | undefined): string[] {
  return [
    "  delivery:app:",
    `    name: ${scalar(follows?.shared.app ?? app)} # first part of images, contexts, namespaces`,
    `    directory: ${scalar(directory)}`,
    ...(pattern === undefined
      ? []
      : [
          `    services: ${scalar(pattern)} # finds ${services
            .filter(({ isFound }) => isFound)
            .map(({ name }) => name)
            .join(", ")}`,
        ]),
  ];
}

function imagesLines({ owner, context, services }: Guess, follows: Following | undefined): string[] {
  const wide = services.filter((service) => service.context === ".").length;
  return [
    "  delivery:images:",
    ...(follows === undefined
      ? [
          `    organization: ${scalar(owner)} # → yours on Docker Hub; or \`registry:\` elsewhere`,
          `    username: ${scalar(owner)} # → who pushes and pulls`,
        ]
      : sharedImagesLines(follows)),
    "    source: registry",
    ...(context === "app" ? [`    context: app # ${wide} of ${services.length} builds copy from the root`] : []),
  ];
}

/** Images are promoted by digest, from where they are. */
function sharedImagesLines({ owner, shared: { images } }: Following): string[] {
  const { registry, organization, login, username } = images;
  return [
    ...(registry === "docker.io" ? [] : [`    registry: ${scalar(registry)} # that of ${owner}`]),
    `    organization: ${scalar(organization)} # that of ${owner}`,
    ...(username === undefined ? [] : [`    username: ${scalar(username)} # → who pulls`]),
    ...(login === "password" ? [] : [`    login: ${login}`]),
  ];
}

function ciLines({ github, ci, program, services }: Guess, { engine, follows }: EnvironmentPlace): string[] {
  const project =
    follows === undefined
      ? `    # repositoryId: "123" # → starts the pipeline at every push: gh api repos/${github ?? "owner/name"} --jq .id`
      : `    projectSlug: ${placeholderSlug} # → pulumi stack output ciProject --stack ${follows.owner}`;
  return [
    "  delivery:ci:",
    ...(engine === "circleci"
      ? [
          `    organizationId: ${scalar(follows?.shared.organizationId ?? placeholderId)} # ${follows?.shared.organizationId === undefined ? "→ CircleCI: Organization Settings" : `that of ${follows.owner}`}`,
          project,
        ]
      : [`    engine: ${engine}`]),
    ...(program === undefined
      ? []
      : [`    program: { repository: ${scalar(program)} } # → where CI gets this program from`]),
    `    image: ${scalar(ci.image)} # ${ci.language === undefined ? "no image is known for what the services are in" : `most services are in ${ci.language}`}; its Node.js must be ≥ 24`,
    "    environment:",
    "      DELIVERY_GIT_TOKEN: deploy-token",
    "      PULUMI_ACCESS_TOKEN: pulumi-token",
    ...(services.some(({ hasMigrations }) => hasMigrations)
      ? [`      ${kubeconfigVariable}: kubeconfig # with which CI waits for migrations`]
      : []),
    ...(follows === undefined
      ? [
          "    contexts:",
          "      read: # all that pull requests get, beside what only reads",
          "        DELIVERY_GITHUB_TOKEN: github-token",
        ]
      : []),
  ];
}

function dependencyLines({ dependencies }: Guess): string[] {
  if (dependencies.length === 0) return [];
  return [
    "  delivery:dependencies: # → `none`, or `{ address: host:port }` of one that is there",
    ...dependencies.flatMap(({ name, image, file, environment, secrets, remarks }) => {
      const known = knownImage(image);
      if (known?.kind !== "dependency") return [];
      const { port, user, data, scratch = [], password } = known;
      return [
        `    ${name}: # from ${file}`,
        `      image: ${scalar(image)}`,
        `      port: ${port}`,
        `      user: ${user}`,
        ...(password === undefined ? [] : [`      password: ${scalar(secrets[password] ?? `${name}-password`)}`]),
        ...(Object.keys(secrets).length === 0 ? [] : [`      secrets: ${flow(secrets)}`]),
        ...(Object.keys(environment).length === 0 ? [] : [`      env: ${flow(environment)}`]),
        ...(data === undefined ? [] : [`      storage: { size: 1Gi, path: ${scalar(data)} }`]),
        ...(scratch.length === 0 ? [] : [`      scratch: [${scratch.map(scalar).join(", ")}]`]),
        ...remarks.map((remark) => `      # ${remark}`),
      ];
    }),
  ];
}

function defaultLines({ defaults }: Guess): string[] {
  return defaults.length === 0 ? [] : ["  delivery:defaults:", ...defaults.map(({ text }) => `    ${text}`)];
}

function serviceLines({ name, settings, remarks }: GuessedService): string[] {
  // An entry without a key is none.
  if (settings.length === 0) return remarks.map((remark) => `    # ${name}: ${remark}`);
  return [
    `    ${name}:`,
    ...settings.map(({ text, because }) => `      ${text}${because === undefined ? "" : ` # ${because}`}`),
    ...remarks.map((remark) => `      # ${remark}`),
  ];
}

/** A path as a stack file has it: relative to the program. */
export function directoryFrom(program: string, root: string): string {
  return relative(program, root).split(/[\\/]/).join(posix.sep) || ".";
}
