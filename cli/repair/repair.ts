import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { accountName, circleCiHost, type CircleCiAccess } from "../../circleci/api.ts";
import { tokenHint, unreachableHint } from "../../components/circleci/circleci-hints.ts";
import { errorMessage, NotReachableError } from "../../core/error.ts";
import { buildContextName, contextName, previewsContextName, readContextName } from "../../core/names.ts";
import { shortName } from "../../stacks/stack-file.ts";
import { CommandError } from "../command.ts";
import type { Project } from "../project/stack-file.ts";
import { openCliStack, type CliStack } from "../pulumi/cli-stack.ts";
import { resourceName } from "../pulumi/diagnostics.ts";
import {
  adoptArguments,
  orphanContexts,
  orphanProject,
  orphanRestrictions,
  type DeclaredNames,
  type Orphan,
} from "./adopt.ts";
import {
  circleCiResources,
  interruptedCreations,
  parseDeployment,
  providerInputs,
  withoutResources,
  type Deployment,
  type StateResource,
} from "./deployment.ts";
import { findGone } from "./gone.ts";
import type { RepairReport } from "./report.ts";

export interface RepairOptions {
  /** What to take into the state: the slug of the project, the id of the context. */
  readonly adopt: readonly string[];
  /** Whether the state is changed. */
  readonly isSure: boolean;
}

/**
 * Takes out of a stack's state what CircleCI does not have any more, and takes in what is asked for.
 * @throws CommandError where CircleCI does not say for sure what is there; then nothing is changed
 */
export async function repair(
  project: Project,
  stackName: string,
  { adopt, isSure }: RepairOptions,
  signal: AbortSignal,
): Promise<RepairReport> {
  const file = project.stackFile(shortName(stackName));
  const {
    app,
    ci,
    owns,
    gitops,
    environment = shortName(stackName),
  } = file.read("app", "ci", "owns", "gitops", "environment");
  const { organizationId } = ci;
  if (organizationId === undefined)
    throw new CommandError(
      `${file.path}: ci.engine is ${ci.engine}: the stack declares nothing at CircleCI, so there is nothing to repair`,
    );
  const declared: DeclaredNames = {
    organizationId,
    project: owns.ciProject ? (ci.project ?? app.name) : undefined,
    contexts: [
      { name: contextName(app.name, environment), suffix: "" },
      ...(owns.ciProject
        ? [
            { name: buildContextName(app.name), suffix: "-build" },
            { name: readContextName(app.name), suffix: "-read" },
          ]
        : []),
      ...(gitops?.previews === undefined ? [] : [{ name: previewsContextName(app.name), suffix: "-previews" }]),
    ],
    projectSlug: owns.ciProject ? undefined : ci.projectSlug,
  };
  await using open = await openCliStack(stackName);
  const exported = await exportState(open);
  const access = { host: hostOf(ci.host ?? circleCiHost), token: await tokenOf(open) };
  const accessOf = (resource: StateResource): CircleCiAccess => {
    // Elsewhere nothing of it would be found.
    const { host = circleCiHost } = providerInputs(exported, resource);
    return { ...access, host: hostOf(String(host)) };
  };
  const resources = circleCiResources(exported);
  const seen = await asking(access, async () => {
    const account = await accountName(access, AbortSignal.any([signal, AbortSignal.timeout(patience * 1000)]));
    const found = await findGone(resources, accessOf, declared.organizationId, signal);
    const left = withoutResources(exported, found.gone);
    return { account, ...found, left, orphans: await orphansOf(access, declared, adopt, left, signal) };
  });
  if (isSure && seen.gone.length > 0) await importState(open, exported, seen.left);
  const adopted = isSure ? seen.orphans.filter(({ key, comesWith = key }) => isAny(adopt, key, comesWith)) : [];
  for (const orphan of adopted) await open.pulumi(adoptArguments(seen.left, orphan));
  return {
    stack: stackName,
    account: seen.account,
    resources: resources.length,
    gone: seen.gone.map(({ urn, protect }) => ({ urn, ...namesOf(urn), protected: protect })),
    removed: isSure && seen.gone.length > 0,
    orphans: seen.orphans.map((orphan) => ({
      kind: kindOf(orphan.type),
      name: orphan.name,
      adopt: orphan.key,
      adopted: adopted.includes(orphan),
    })),
    notAsked: seen.unknown.map(({ urn }) => resourceName(urn)),
    interrupted: interruptedCreations(exported).map(resourceName),
  };
}

function isAny(list: readonly string[], ...texts: readonly string[]): boolean {
  return texts.some((text) => list.includes(text));
}

/** Seconds to wait for the first answer. */
const patience = 10;

function kindOf(type: string): string {
  return type.split(":").at(-1) ?? type;
}

function namesOf(urn: string): { kind: string; name: string } {
  const [kind = "", ...name] = resourceName(urn).split(" ");
  return { kind, name: name.join(" ") };
}

function hostOf(address: string): string {
  return address.replace(/\/+$/, "");
}

async function exportState({ pulumi }: CliStack): Promise<Deployment> {
  return parseDeployment(await pulumi(["stack", "export"]));
}

async function tokenOf({ stack }: CliStack): Promise<string> {
  const config = await stack.getAllConfig();
  const token = config["delivery:circleciToken"]?.value ?? "";
  if (token === "") throw new CommandError(`the stack has no circleciToken: ${tokenHint}`);
  return token;
}

/** Says what to do where CircleCI does not answer, or not to this token. */
async function asking<T>({ host }: CircleCiAccess, questions: () => Promise<T>): Promise<T> {
  try {
    return await questions();
  } catch (error) {
    const message = errorMessage(error);
    const hint =
      error instanceof NotReachableError
        ? `: CircleCI at ${host} does not answer: ${unreachableHint}`
        : message.includes("(401)")
          ? `: ${tokenHint}`
          : "";
    throw new CommandError(`${message}${hint}; nothing is changed`, { cause: error });
  }
}

/** @throws CommandError for what is to be adopted and cannot be */
async function orphansOf(
  access: CircleCiAccess,
  declared: DeclaredNames,
  adopt: readonly string[],
  left: Deployment,
  signal: AbortSignal,
): Promise<Orphan[]> {
  const slugs = adopt.filter((key) => key.includes("/"));
  const projects = await Promise.all(slugs.map((slug) => orphanProject(access, declared, slug, left, signal)));
  const owners = [...projects, ...(await orphanContexts(access, declared, left, signal))];
  const orphans = [...owners, ...(await orphanRestrictions(access, declared, left, owners, signal))];
  const strange = adopt.find((wanted) => !orphans.some(({ key }) => key === wanted));
  if (strange !== undefined)
    throw new CommandError(
      `--adopt ${JSON.stringify(strange)}: is no slug of a project, and not the id of a context ${declared.contexts.map(({ name }) => name).join(", ")}, or of its restriction, that the state lacks`,
    );
  return orphans;
}

/** @throws CommandError where somebody else has changed the state since it was looked at */
async function importState(open: CliStack, before: Deployment, after: Deployment): Promise<void> {
  const file = join(open.directory, "repaired.json");
  await writeFile(file, JSON.stringify(after), { mode: 0o600 });
  if (JSON.stringify((await exportState(open)).deployment) !== JSON.stringify(before.deployment))
    throw new CommandError("the state has changed since CircleCI was asked; run this again; nothing is changed");
  await open.pulumi(["stack", "import", "--file", file]);
}
