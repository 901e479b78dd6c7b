import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { openCliStack } from "../pulumi/cli-stack.ts";
import { explainEngineFailure } from "../pulumi/engine-failure.ts";
import { shortName, stackFilePath } from "../pulumi/project.ts";
import { bareEnvironment } from "./bare-environment.ts";
import { runPreview } from "./engine-run.ts";
import { imageFacts } from "./image-facts.ts";
import type { StackPreview } from "./model.ts";
import { placeholderSettings, withCiHost } from "./placeholder-settings.ts";
import { ignoreSecrets } from "./secret-blindness.ts";
import { serveProjectLookup } from "./project-lookup.ts";
import { referencedSecrets } from "./referenced-secrets.ts";
import type { ScrubbedState } from "./scrubbed-state.ts";
import { stackPreview } from "./stack-preview.ts";

/** A scrubbed state, and how it was had; `undefined`: there is none. */
export interface PublishedState {
  readonly state: ScrubbedState | undefined;
  /** Why there is none, or where it is from. */
  readonly source: string;
}

/**
 * Previews a stack without any credentials: a backend of its own, placeholders in place of secrets, and no more of the
 * environment than programs need to run.
 * @param published read before, since reading it may take a login, of which the program must see nothing
 * @throws CommandError if the engine cannot run at all
 */
export async function previewSafely(
  stack: string,
  { state, source }: PublishedState,
  signal: AbortSignal,
): Promise<StackPreview> {
  const name = shortName(stack);
  const file = await readFile(stackFilePath(name), "utf8").catch((error: unknown) => {
    throw explainEngineFailure(error, name);
  });
  const settings = placeholderSettings(file, () => referencedSecrets(name));
  using _bare = bareEnvironment(settings.kubeconfigContext);
  const backend = await mkdtemp(join(tmpdir(), "delivery-safe-"));
  try {
    // Before the stack, so that it is there for as long as that.
    await using lookup = settings.looksProjectUp ? await serveProjectLookup(state) : null;
    await using open = await openCliStack(name, {
      settings: lookup === null ? settings.text : withCiHost(settings.text, lookup.host),
      absent: "create",
      prepare: ignoreSecrets,
      environment: {
        PULUMI_BACKEND_URL: `file://${backend}`,
        PULUMI_CONFIG_PASSPHRASE: randomBytes(24).toString("base64url"),
      },
    });
    await fill(open.stack, settings.secrets, state, name);
    const { events, failure } = await runPreview(open.stack, signal);
    const known = await imageFacts(name, "anonymous");
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
    return stackPreview(events, { stack, forkSafe: true, failure, images: known.images, limits });
  } finally {
    await rm(backend, { recursive: true, force: true });
  }
}

async function fill(
  stack: Stack,
  secrets: Readonly<Record<string, string>>,
  state: ScrubbedState | undefined,
  name: string,
): Promise<void> {
  try {
    // As arguments, which everyone on this machine can see: they are placeholders.
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
