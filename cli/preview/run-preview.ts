import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import * as pulumi from "@pulumi/pulumi";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { z } from "zod";
import { temporaryDirectory } from "../../core/atomic-file.ts";
import { errorMessage } from "../../core/error.ts";
import { shortName, stackFilePath } from "../../stacks/stack-file.ts";
import type { Records } from "../../git/records.ts";
import type { Project } from "../project/stack-file.ts";
import { openCliStack } from "../pulumi/cli-stack.ts";
import { knownUntested } from "../testing/untested.ts";
import { explainEngineFailure, knownFailure, lastOutput, problemsIn } from "../pulumi/diagnostics.ts";
import { runEngine, type EngineRun } from "../pulumi/engine-run.ts";
import { redaction, secretTexts } from "../pulumi/redaction.ts";
import { readImageStatus, readReleased, type Known } from "./image-status.ts";
import type { StackPreview } from "./model.ts";
import { placeholderSettings, referencedSecrets, withCiHost } from "./placeholders.ts";
import { countedSecrets, type PublishedState, type ScrubbedState } from "./published-state.ts";
import { sanitizedEnv } from "./sanitized-env.ts";
import { policyRules } from "./policy-check.ts";
import { stackPreview } from "./stack-preview.ts";

/**
 * Previews a stack with the user's login, passphrase and credentials.
 * @throws CommandError if the engine cannot run at all
 */
export async function previewTrusted(project: Project, name: string, signal: AbortSignal): Promise<StackPreview> {
  const secrets: string[] = [];
  await using open = await openCliStack(name, { onConfig: (values) => void secrets.push(...values) });
  const { events, failure } = await runPreview(open.stack, signal);
  const stackFile = await readFile(stackFilePath(name), "utf8");
  const { value, text } = redaction(secretTexts(secrets, process.env), stackFile);
  const images = await readImageStatus(project, name, await readReleased(project, name, process.env));
  return stackPreview(
    events.map((event) => value(event)),
    {
      stack: name,
      forkSafe: false,
      failure: failure === undefined ? undefined : text(failure),
      untested: knownUntested(project, shortName(name)),
      policies: await policyRules(),
      ...images,
    },
  );
}

/** What a preview without credentials is made from, read before: that may take a login, of which the program must see nothing. */
export interface SafeSource extends PublishedState {
  /** The release records of the environment. */
  readonly released: Known<Records>;
}

/**
 * Previews a stack without any credentials: a backend of its own, placeholders in place of secrets, and no more of the
 * environment than programs need to run.
 * @throws CommandError if the engine cannot run at all
 */
export async function previewSafely(
  project: Project,
  stack: string,
  { state, source, released }: SafeSource,
  signal: AbortSignal,
): Promise<StackPreview> {
  const name = shortName(stack);
  const file = await readFile(stackFilePath(name), "utf8").catch((error: unknown) => {
    throw explainEngineFailure(error, name);
  });
  const settings = placeholderSettings(file, () => referencedSecrets(project, name));
  using _sanitized = sanitizedEnv(settings.kubeconfigContext);
  using backend = temporaryDirectory("delivery-safe-");
  // Before the stack, so that it is there for as long as that.
  await using lookup = settings.looksProjectUp ? await serveProjectLookup(state) : null;
  await using open = await openCliStack(name, {
    settings: lookup === null ? settings.text : withCiHost(settings.text, lookup.host),
    absent: "create",
    prepare: ignoreSecretChanges,
    environment: {
      PULUMI_BACKEND_URL: `file://${backend.path}`,
      PULUMI_CONFIG_PASSPHRASE: randomBytes(24).toString("base64url"),
    },
  });
  await fillStack(open.stack, settings.secrets, state, name);
  const { events, failure } = await runPreview(open.stack, signal);
  const known = await readImageStatus(project, name, released);
  const limits = [
    "secrets: all of them are placeholders",
    "the cluster: what is declared is compared with the state alone",
    ...(state === undefined ? [`what is there already: ${source}, so everything appears as new`] : []),
    ...(lookup === null
      ? []
      : ["the CircleCI project, which another stack owns: it is taken for the one in the state"]),
    ...settings.limits,
    ...known.limits,
  ];
  const untested = knownUntested(project, name);
  // They are code of the pull request, and find no credentials here.
  const policies = await policyRules();
  const { images } = known;
  return stackPreview(events, { stack, forkSafe: true, failure, untested, policies, images, limits });
}

async function fillStack(
  stack: Stack,
  secrets: Readonly<Record<string, string>>,
  state: ScrubbedState | undefined,
  name: string,
): Promise<void> {
  try {
    // The engine gets them as arguments, which everyone on this machine can see. They are only placeholders.
    const values = Object.entries(secrets).map(([key, value]) => [key, { value, secret: true }] as const);
    if (values.length > 0) await stack.setAllConfig(Object.fromEntries(values));
    if (state === undefined) return;
    const { encryptionSalt: salt } = await stack.workspace.stackSettings(name);
    await stack.importStack({
      version: state.version,
      deployment: {
        resources: state.deployment.resources ?? [],
        secrets_providers: { type: "passphrase", state: { salt } },
      },
    });
  } catch (error) {
    throw explainEngineFailure(error, name);
  }
}

/** Runs the engine's preview, which changes nothing. */
function runPreview(stack: Stack, signal: AbortSignal): Promise<EngineRun> {
  return runEngine(
    (onEvent) =>
      stack.preview({
        suppressProgress: true,
        color: "never",
        onEvent,
        // What it prints is in the events.
        onOutput: () => undefined,
        signal,
      }),
    (error, events) => {
      signal.throwIfAborted();
      const reported = problemsIn(events).length > 0 || events.some(({ policyEvent }) => policyEvent !== undefined);
      return reported ? undefined : failureOf(error, stack.name, lastOutput(events));
    },
  );
}

/** The Automation API's error repeats the command, the output and itself. */
function failureOf(error: unknown, stack: string, written: string): string {
  const output = errorMessage(error);
  const known = knownFailure(output, stack);
  if (known !== undefined) return known;
  const lines = output.split("\n").flatMap((line) => errorLine.exec(line)?.[1] ?? []);
  const said = [...new Set(lines)].join("\n") || written;
  return said === ""
    ? "the engine ended without saying why; run `pulumi preview` to see more"
    : `the engine ended: ${said}`;
}

/** A line of the engine's own output with an error; "preview failed" alone says nothing. */
const errorLine = /^(?: stderr: )?(error: (?!(?:update|preview|refresh|destroy) failed$).+)$/;

/**
 * Leaves the secret inputs of every resource as they are in the state: they are placeholders on both sides, and a difference
 * between two placeholders would only hide those that count. Providers need theirs. Of the counted Secrets, all placeholders
 * are the same, so that one more or one less is a change.
 */
function ignoreSecretChanges(): void {
  pulumi.runtime.registerResourceTransform(async ({ type, props, opts }) => {
    if (type.startsWith("pulumi:providers:") || type === countedSecrets) return undefined;
    const names = Object.entries(props).map(async ([name, value]) =>
      (await pulumi.isSecret(pulumi.output(value))) ? [name] : [],
    );
    const secret = (await Promise.all(names)).flat();
    if (secret.length === 0) return undefined;
    return { props, opts: pulumi.mergeOptions(opts, { ignoreChanges: secret }) };
  });
}

/** A server on loopback that answers the one request that a preview has for CircleCI, until it is disposed of. */
interface ProjectLookup extends AsyncDisposable {
  /** In place of CircleCI's base URL. */
  readonly host: string;
}

const componentSchema = z.object({ projectId: z.string(), projectSlug: z.string().optional() });
const unknownId = "00000000-0000-0000-0000-000000000000";

/**
 * An environment that does not own the CircleCI project looks it up by its slug, which needs a token. Without one the
 * project is taken for the one that the state has.
 */
async function serveProjectLookup(state: ScrubbedState | undefined): Promise<ProjectLookup> {
  const component = (state?.deployment.resources ?? []).find(({ type }) => type === "delivery:ci:CiProject");
  const known = componentSchema.safeParse(component?.outputs);
  const id = known.success ? known.data.projectId : unknownId;
  const server = createServer((request, response) => {
    const slug = /\/project\/([^/?]+\/[^/?]+\/[^/?]+)$/.exec(request.url ?? "")?.[1];
    if (slug === undefined) return response.writeHead(404).end('{"message": "there are no credentials for CircleCI"}');
    const [, organization = "", name = ""] = decodeURIComponent(slug).split("/");
    const project = {
      id,
      slug: known.success ? (known.data.projectSlug ?? decodeURIComponent(slug)) : decodeURIComponent(slug),
      name,
      organization_id: unknownId,
      organization_name: organization,
      organization_slug: decodeURIComponent(slug).split("/").slice(0, 2).join("/"),
      vcs_info: { vcs_url: "", provider: "CircleCI", default_branch: "main" },
    };
    return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(project));
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(0, "127.0.0.1", () => listening());
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("unreachable: a server on TCP has a port");
  return {
    host: `http://127.0.0.1:${address.port}/api/v2`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
