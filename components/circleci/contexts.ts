import { contextExpression } from "../../circleci/context-expression.ts";
import {
  buildContextName,
  contextName,
  previewsContextName,
  pullVariables,
  readContextName,
} from "../../core/names.ts";
import { tokenVariable, usernameVariable } from "../../git/git-credentials.ts";

/** The key of the stack file, or of its secrets, that a variable's value is written at. */
export type ValueSource =
  | `secrets.${string}`
  | "images.username"
  | "registryPassword"
  | "images.pull.registry"
  | "images.pull.username"
  | "gitops.username"
  | "gitToken";

/** Those that are no secrets. */
const plainSources: ReadonlySet<ValueSource> = new Set([
  "images.username",
  "images.pull.registry",
  "images.pull.username",
  "gitops.username",
]);

/** A context as a stack declares it. */
export interface ContextDeclaration {
  readonly kind: "build" | "read" | "previews" | "environment";
  /** As jobs name it. */
  readonly name: string;
  /** Whether only what is merged may use it; else jobs of any branch of the repository may. */
  readonly delivered: boolean;
  /** What CircleCI evaluates before a job gets it. @default any job of the project gets it */
  readonly expression?: string | undefined;
  /** What it holds: environment variable → where its value is. */
  readonly variables: Readonly<Record<string, ValueSource>>;
}

/** What decides which contexts a stack declares, and what they hold. */
export interface ContextsArgs {
  /** The first part of the contexts' names. */
  app: string;
  environment: string;
  /** Whether this stack owns the project; another stack's is looked up by its slug. */
  owned: boolean;
  /** `vcs/organization/project`; needed unless `owned`. */
  projectSlug?: string | undefined;
  /** Whether CircleCI can delete the project. */
  standalone: boolean;
  /** What is merged there is delivered. @default the repository's default branch */
  branch?: string | undefined;
  /** The login of the registry that CI pushes to. @default CI has a login of its own */
  registry?: { readonly username: string } | undefined;
  /** The login that may only pull; its password is the name of a secret. @default none */
  pull?: { registry: string; username: string; password: string } | undefined;
  /** With which the deploy repository is read. @default it is public, or CI has a login of its own */
  readGit?: { readonly username: string | undefined } | undefined;
  /** The variables of the environment's own context: name → name of a secret. */
  variables: Readonly<Record<string, string>>;
  /** The variables of the contexts that environments share, likewise. */
  shared: {
    /** What builds of what is merged have; declared by the stack that owns the project. */
    build: Readonly<Record<string, string>>;
    /** What jobs of pull requests have; declared by the stack that owns the project. */
    read: Readonly<Record<string, string>>;
    /** What gives labelled pull requests an environment of their own. @default there are none */
    previews?: Readonly<Record<string, string>> | undefined;
  };
  /** Whether the environment's context still holds all of it, for configurations that know no other. @default false */
  sharedContext?: boolean | undefined;
}

/** The contexts of a stack: those that environments share, of which it may own none, and its environment's. */
export interface DeclaredContexts {
  readonly shared: readonly ContextDeclaration[];
  readonly environment: ContextDeclaration;
}

/** Each context holds what its jobs need: the environment's own, and those that environments share, of the stack that owns them. */
export function declaredContexts(args: ContextsArgs): DeclaredContexts {
  const { app, owned, branch, shared, sharedContext = false } = args;
  const isOfApp = owned ? args.standalone : (args.projectSlug ?? "").startsWith("circleci/");
  const merged = contextExpression({ delivered: { branch }, isOfApp });
  const anyBranch = contextExpression({ isOfApp });
  const push: Record<string, ValueSource> =
    args.registry === undefined
      ? {}
      : { DOCKERHUB_USERNAME: "images.username", DOCKERHUB_PASSWORD: "registryPassword" };
  const pull = pullSources(args);
  const build: ContextDeclaration = {
    kind: "build",
    name: buildContextName(app),
    delivered: true,
    expression: merged,
    variables: { ...push, ...pull, ...secretSources(shared.build) },
  };
  const read: ContextDeclaration = {
    kind: "read",
    name: readContextName(app),
    delivered: false,
    expression: anyBranch,
    variables: { ...readSources(args), ...pull, ...secretSources(shared.read) },
  };
  const previews: ContextDeclaration = {
    kind: "previews",
    name: previewsContextName(app),
    delivered: false,
    expression: anyBranch,
    variables: { ...pull, ...secretSources(shared.previews ?? {}) },
  };
  return {
    shared: [...(owned ? [build, read] : []), ...(shared.previews === undefined ? [] : [previews])],
    environment: {
      kind: "environment",
      name: contextName(app, args.environment),
      delivered: !sharedContext,
      expression: sharedContext ? undefined : merged,
      variables: {
        ...(sharedContext ? { ...push, ...secretSources(shared.build) } : {}),
        ...pull,
        ...secretSources(args.variables),
      },
    },
  };
}

/** Whether a value is one that nobody may see. */
export function isSecretSource(source: ValueSource): boolean {
  return !plainSources.has(source);
}

/** The variables with the login for pulls; none without one. */
export function pullSources({ pull }: Pick<ContextsArgs, "pull">): Record<string, ValueSource> {
  if (pull === undefined) return {};
  return {
    [pullVariables.registry]: "images.pull.registry",
    [pullVariables.username]: "images.pull.username",
    [pullVariables.password]: `secrets.${pull.password}`,
  };
}

function readSources({ readGit }: ContextsArgs): Record<string, ValueSource> {
  if (readGit === undefined) return {};
  return {
    ...(readGit.username === undefined ? {} : { [usernameVariable]: "gitops.username" }),
    [tokenVariable]: "gitToken",
  };
}

function secretSources(variables: Readonly<Record<string, string>>): Record<string, ValueSource> {
  return Object.fromEntries(Object.entries(variables).map(([variable, secret]) => [variable, `secrets.${secret}`]));
}
