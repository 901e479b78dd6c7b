import * as circleci from "@pulumi/circleci/bin/index.js";
import * as pulumi from "@pulumi/pulumi";
import { errorMessage, NotReachableError } from "../../core/error.ts";
import {
  buildContextName,
  contextName,
  previewsContextName,
  pullVariables,
  readContextName,
} from "../../core/names.ts";
import { tokenVariable, usernameVariable } from "../../git/git-credentials.ts";
import { contextExpression } from "../../circleci/context-expression.ts";
import { ciContext } from "./ci-context.ts";
import { ciPipeline, type DriftSchedule } from "./ci-pipeline.ts";
import { accessHint } from "./circleci-hints.ts";
import { assertAnswers, circleCiHooks, type CircleCiAccess } from "./circleci-hooks.ts";
import { secretValues, type Registry, type Secrets } from "../secrets.ts";

export interface CiProjectArgs {
  /** The first part of the context's name. */
  app: string;
  environment: string;
  organizationId: string;
  /** The project's name. */
  project: string;
  /** Whether this stack owns the project; another stack's is looked up by its slug. */
  owned: boolean;
  /** `vcs/organization/project`; needed unless `owned`. */
  projectSlug?: string | undefined;
  /** Whether CircleCI can delete the project. */
  standalone: boolean;
  /** GitHub's numeric id of the repository whose pushes start the pipeline. @default no pipeline is declared */
  repositoryId?: string | undefined;
  /** When the environments are looked over for drift. @default never */
  drift?: DriftSchedule | undefined;
  /** The API's base URL. @default CircleCI's own */
  host?: string | undefined;
  token: pulumi.Output<string>;
  /** What is merged there is delivered. @default the repository's default branch */
  branch?: string | undefined;
  /** The registry that CI pushes to. @default CI has a login of its own */
  registry?: Registry | undefined;
  /** The login that may only pull; its password is the name of a secret. @default none */
  pull?: { registry: string; username: string; password: string } | undefined;
  /** With which the deploy repository is read. @default it is public, or CI has a login of its own */
  readGit?: { username: string | undefined; token: pulumi.Output<string> } | undefined;
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
  /** The stack's secrets, by name. */
  secrets: Secrets;
}

/**
 * The CircleCI project, and the contexts of this stack with their secrets, which only jobs of that project may use: one for its
 * environment, and with the project those that all environments share.
 */
export class CiProject extends pulumi.ComponentResource {
  readonly projectId: pulumi.Output<string>;
  /** `vcs/organization/project`: what the stacks that look the project up have in `ci.projectSlug`. */
  readonly projectSlug: pulumi.Output<string>;
  readonly contextId: pulumi.Output<string>;
  readonly contextName: string;

  constructor(name: string, args: CiProjectArgs, opts?: pulumi.ComponentResourceOptions) {
    super("delivery:ci:CiProject", name, { project: args.project, environment: args.environment }, opts);
    const provider = new circleci.Provider(
      name,
      { key: args.token, ...(args.host === undefined ? {} : { host: args.host }) },
      // The engine notes the package's version at first and the plugin's version later: a difference that says nothing.
      { parent: this, ignoreChanges: ["version"] },
    );
    const access = { host: args.host ?? "https://circleci.com/api/v2", token: args.token };
    const own = { parent: this, provider, hooks: circleCiHooks(name, access) };

    const project = args.owned
      ? ownProject(name, args, own)
      : lookUpProject(args.projectSlug ?? "", access, { parent: this, provider });
    this.projectId = project.id;
    this.projectSlug = project.slug;
    this.contextName = contextName(args.app, args.environment);
    this.contextId = declareContexts(name, this.projectId, args, own).id;
    if (args.sharedContext === true && args.owned) {
      // Builds of pull requests ran without a context, and pulled with these.
      for (const [variable, value] of Object.entries(pullLogin(args))) {
        new circleci.ProjectEnvironmentVariable(
          variable,
          { projectSlug: this.projectSlug, name: variable, value: pulumi.secret(value) },
          // A change replaces it, and the old one must not be deleted once the new one is there under the same name.
          { ...own, deleteBeforeReplace: true },
        );
      }
    }
    this.registerOutputs({
      projectId: this.projectId,
      projectSlug: this.projectSlug,
      contextId: this.contextId,
      contextName: this.contextName,
    });
  }
}

/**
 * Each context holds what its jobs need: the environment's own, and those that environments share, of the stack that owns them.
 * @returns the environment's
 */
function declareContexts(
  name: string,
  projectId: pulumi.Output<string>,
  args: CiProjectArgs,
  own: pulumi.CustomResourceOptions,
): circleci.Context {
  const { app, environment, organizationId, owned, standalone, projectSlug = "", branch, shared, secrets } = args;
  const { sharedContext = false, readGit } = args;
  const isOfApp = owned ? standalone : projectSlug.startsWith("circleci/");
  const merged = contextExpression({ delivered: { branch }, isOfApp });
  const anyBranch = contextExpression({ isOfApp });
  const base = { organizationId, projectId };
  const push =
    args.registry === undefined
      ? {}
      : { DOCKERHUB_USERNAME: args.registry.username, DOCKERHUB_PASSWORD: args.registry.password };
  const pull = pullLogin(args);
  const others = [
    {
      kind: "build",
      name: buildContextName(app),
      isOwn: owned,
      expression: merged,
      variables: { ...push, ...pull, ...secretValues(secrets, shared.build) },
    },
    {
      kind: "read",
      name: readContextName(app),
      isOwn: owned,
      expression: anyBranch,
      variables: { ...readLogin(readGit), ...pull, ...secretValues(secrets, shared.read) },
    },
    {
      kind: "previews",
      name: previewsContextName(app),
      isOwn: shared.previews !== undefined,
      expression: anyBranch,
      variables: { ...pull, ...secretValues(secrets, shared.previews ?? {}) },
    },
  ];
  for (const { kind, isOwn, ...context } of others)
    if (isOwn) ciContext(`${name}-${kind}`, `${kind}-`, { ...base, ...context }, own);
  return ciContext(
    name,
    "",
    {
      ...base,
      name: contextName(app, environment),
      expression: sharedContext ? undefined : merged,
      variables: {
        ...(sharedContext ? { ...push, ...secretValues(secrets, shared.build) } : {}),
        ...pull,
        ...secretValues(secrets, args.variables),
      },
    },
    own,
  );
}

function readLogin(readGit: CiProjectArgs["readGit"]): Record<string, pulumi.Input<string>> {
  if (readGit === undefined) return {};
  const { username, token } = readGit;
  return { ...(username === undefined ? {} : { [usernameVariable]: username }), [tokenVariable]: token };
}

/** The variables with the login for pulls; none without one. */
function pullLogin({ pull, secrets }: CiProjectArgs): Record<string, pulumi.Input<string>> {
  if (pull === undefined) return {};
  return {
    [pullVariables.registry]: pull.registry,
    [pullVariables.username]: pull.username,
    ...secretValues(secrets, { [pullVariables.password]: pull.password }),
  };
}

/** @throws pulumi.RunError instead of the provider's error, which would end the program with a stack trace */
function lookUpProject(
  slug: string,
  access: CircleCiAccess,
  opts: pulumi.InvokeOptions,
): pulumi.Output<circleci.GetProjectResult> {
  // A call that has begun keeps the program running until the provider gives up, so that CircleCI is asked before.
  const found = assertAnswers(access).then(() => circleci.getProject({ slug }, opts));
  const lookup = found.catch((error: unknown) => {
    throw new pulumi.RunError(
      `ci.projectSlug ${JSON.stringify(slug)}: CircleCI's project cannot be looked up: ${lookupFailure(error)}`,
    );
  });
  return pulumi.output(lookup);
}

function lookupFailure(error: unknown): string {
  const message = errorMessage(error);
  if (error instanceof NotReachableError) return message;
  return (
    accessHint(message) ??
    `${message}. It must be the \`ciProject\` that the stack with \`owns.ciProject\` puts out, and the user of circleciToken must see it`
  );
}

function ownProject(name: string, args: CiProjectArgs, own: pulumi.CustomResourceOptions): circleci.Project {
  const project = new circleci.Project(
    name,
    {
      name: args.project,
      organizationId: args.organizationId,
      autoCancelBuilds: true,
      buildForkPrs: true,
      // A rerun with SSH shows a job's secrets to whoever logs in there.
      disableSsh: true,
      // Every option is set: the provider sends false for those that are not, at every update.
      forksReceiveSecretEnvVars: false,
      setGithubStatus: true,
      setupWorkflows: true,
      writeSettingsRequiresAdmin: true,
    },
    // CircleCI refuses to delete a project that follows a repository, and destroy would fail.
    { ...own, retainOnDelete: !args.standalone },
  );
  if (args.repositoryId !== undefined) ciPipeline(name, project, args.repositoryId, args.drift, own);
  return project;
}
