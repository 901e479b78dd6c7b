import { readFile } from "node:fs/promises";
import { openCliStack } from "../pulumi/cli-stack.ts";
import { stackFilePath } from "../pulumi/project.ts";
import { runPreview } from "./engine-run.ts";
import { imageFacts } from "./image-facts.ts";
import type { StackPreview } from "./model.ts";
import { credentialsIn, redaction, textsOf } from "./redaction.ts";
import { stackPreview } from "./stack-preview.ts";

/**
 * Previews a stack with the user's login, passphrase and credentials.
 * @throws CommandError if the engine cannot run at all
 */
export async function previewTrusted(name: string, signal: AbortSignal): Promise<StackPreview> {
  const secrets: string[] = [];
  await using open = await openCliStack(name, { onConfig: (values) => void secrets.push(...values) });
  const { events, failure } = await runPreview(open.stack, signal);
  // The engine hides the secrets that it knows; what a provider or a tool says may repeat one in another form.
  const published = await readFile(stackFilePath(name), "utf8");
  const known = [...secrets.flatMap(textsOf), ...credentialsIn(process.env)];
  const { value, text } = redaction(known.filter((secret) => !published.includes(secret)));
  const images = await imageFacts(name, "as user");
  return stackPreview(
    events.map((event) => value(event)),
    { stack: name, forkSafe: false, failure: failure === undefined ? undefined : text(failure), ...images },
  );
}
