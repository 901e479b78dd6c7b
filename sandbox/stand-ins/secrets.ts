import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import { writePrivate } from "../machine/private-file.ts";

/** Whether a client's token or signature is the right one; how long that takes says nothing of how near it comes. */
export function isSameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

/**
 * The header `X-Hub-Signature-256` of a webhook.
 * Source: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 */
export function webhookSignature(secret: string, body: string): string {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}

/**
 * Writes what a process reads at its start to a file: arguments are visible to every user of the machine. The file's name
 * changes with its content, so that a running process with another one is replaced.
 * @returns the path
 */
export function writeSecretFile(directory: string, name: string, content: string): string {
  const hash = digest(content).toString("hex").slice(0, 8);
  return writePrivate(join(directory, `${name}-${hash}.json`), content);
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
