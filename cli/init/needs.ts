import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Service } from "../../components/service/service.ts";
import type { StackSettings } from "../../stacks/schema.ts";
import { placeholderId, placeholderOwner, placeholderSlug } from "./stack-text.ts";

/** The file of each engine without which nothing runs. */
const pipelineFiles: Readonly<Record<StackSettings["ci"]["engine"], string>> = {
  circleci: ".circleci/continue_config.yml",
  tekton: ".tekton/delivery.yaml",
  travis: ".travis.yml",
};

/** Something that is missing before commits reach the cluster, and where to get it. */
export interface Need {
  readonly what: string;
  readonly how: string;
}

export interface NeedsArgs {
  readonly settings: StackSettings;
  readonly services: readonly Pick<Service, "name" | "secrets" | "files" | "build">[];
  /** The keys of the stack file, without the project's prefix: its secrets are there, encrypted. */
  readonly given: Readonly<Record<string, unknown>>;
  /** The root of the checkout that the monorepo is in. */
  readonly checkout: string;
  readonly environment: string;
  /** The one that the pipeline begins with. @default `environment` */
  readonly first?: string | undefined;
}

/** What only people can get: ids, tokens, passwords, and the files that CI reads. */
export function needs({ settings, services, given, checkout, environment, first = environment }: NeedsArgs): Need[] {
  const { ci, images, dependencies, github, gitops, owns } = settings;
  const set = (secret: string): string => `pulumi config set --stack ${environment} --secret ${secret}`;
  const named = new Set([
    ...[ci.environment, ...Object.values(ci.contexts)].flatMap((variables) => Object.values(variables)),
    ...applicationSecrets(dependencies, services),
    ...[
      images.pull?.password,
      images.signing?.secret,
      gitops?.signing?.secret,
      gitops?.signing?.previews,
      gitops?.argoCd.commitStatus?.privateKey,
    ].flatMap((name) => name ?? []),
  ]);
  const known: Readonly<Record<string, string>> = {
    "deploy-token":
      "a token that may write to the deploy repository (GitHub: Settings, Developer settings, fine-grained token)",
    "github-token": `a token that may comment on pull requests of ${github?.repository ?? "the repository"}`,
    kubeconfig:
      "the content of a kubeconfig of a user who may read Jobs, Applications, workloads, pods and their logs, with which CI waits for migrations, verifies and asks gates",
    "pulumi-token": "an access token of Pulumi's backend (app.pulumi.com: Personal access tokens), for previews",
  };
  const keys: Readonly<Record<string, string>> = {
    ...(images.signing?.secret === undefined
      ? {}
      : {
          [images.signing.secret]:
            "the private key that images are signed with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
        }),
    ...Object.fromEntries(
      [gitops?.signing?.secret, gitops?.signing?.previews].flatMap((name) =>
        name === undefined ? [] : [[name, "a private key that commits are signed with (docs/signing.md)"]],
      ),
    ),
  };
  const secrets = Object(given["secrets"]);
  const isCircleCi = ci.engine === "circleci";
  return [
    ...(isCircleCi && ci.organizationId === placeholderId
      ? [{ what: "ci.organizationId", how: "CircleCI: Organization Settings, Overview; write it into the stack file" }]
      : []),
    ...(isCircleCi && ci.projectSlug === placeholderSlug
      ? [
          {
            what: "ci.projectSlug",
            how: "the slug of the project that another stack owns, as `pulumi stack output ciProject` prints it there; write it into the stack file",
          },
        ]
      : []),
    ...(isCircleCi && owns.ciProject && ci.repositoryId === undefined
      ? [
          {
            what: "ci.repositoryId",
            how: `gh api repos/${github?.repository ?? "OWNER/NAME"} --jq .id; without it, no push starts the pipeline`,
          },
        ]
      : []),
    ...(ci.program !== undefined && /^([./~]|file:)/.test(ci.program.repository)
      ? [
          {
            what: "ci.program.repository",
            how: `the URL of a repository that CI can clone; ${ci.program.repository} is on this machine`,
          },
        ]
      : []),
    ...(gitops?.repository?.startsWith(placeholderOwner) === true
      ? [{ what: "gitops.repository", how: "the URL of a repository of yours, which may be empty" }]
      : []),
    ...(given["registryPassword"] === undefined && images.login === "password"
      ? [
          {
            what: "registryPassword",
            how: `an access token of ${images.username} on ${images.registry}: ${set("registryPassword")}`,
          },
        ]
      : []),
    ...(isCircleCi && given["circleciToken"] === undefined
      ? [{ what: "circleciToken", how: `CircleCI: User Settings, Personal API Tokens: ${set("circleciToken")}` }]
      : []),
    ...(given["gitToken"] === undefined
      ? [
          {
            what: "gitToken",
            how: `a token with which Argo CD reads the deploy repository, unless that is public: ${set("gitToken")}`,
          },
        ]
      : []),
    ...[...named]
      .filter((name) => secrets[name] === undefined)
      .map((name) => ({
        what: `secrets.${name}`,
        how: `${keys[name] ?? known[name] ?? usedAs(name, services) ?? "a password"}: ${set(`--path 'secrets.${name}'`)}`,
      })),
    ...(existsSync(join(checkout, pipelineFiles[ci.engine]))
      ? []
      : [
          {
            what: pipelineFiles[ci.engine].replace(/\/.*/, ""),
            how: `npx delivery ci-config --env ${first}, and commit what it writes`,
          },
        ]),
  ];
}

/** The variables of services that have a secret as their value; `undefined`: none has. */
function usedAs(secret: string, services: NeedsArgs["services"]): string | undefined {
  const uses = services.flatMap(({ name, secrets = {} }) =>
    Object.entries(secrets).flatMap(([variable, used]) => (used === secret ? [{ name, variable }] : [])),
  );
  const variables = [...new Set(uses.map(({ variable }) => variable))].join(", ");
  return uses.length === 0 ? undefined : `${variables} of ${[...new Set(uses.map(({ name }) => name))].join(", ")}`;
}

/** The names of the secrets that services, their builds and their dependencies have. */
export function applicationSecrets(
  dependencies: StackSettings["dependencies"],
  services: readonly Pick<Service, "secrets" | "files" | "build">[],
): string[] {
  return [
    ...Object.values(dependencies).flatMap((dependency) =>
      dependency === "none"
        ? []
        : [dependency.password ?? [], "secrets" in dependency ? Object.values(dependency.secrets) : []].flat(),
    ),
    ...services.flatMap(({ secrets = {}, files = {}, build }) => [
      ...Object.values(secrets),
      ...Object.values(files).flatMap(({ secret }) => secret ?? []),
      ...Object.values(build?.secrets ?? {}),
    ]),
  ];
}
