import { createHash } from "node:crypto";
import { rootMessage } from "./error.ts";
import { backoff, retry } from "./retry.ts";

export interface DownloadOptions {
  /** Bytes. A server that sends more is not read to its end. @default 32 MiB */
  readonly limit?: number;
  /** How long one attempt may take, in milliseconds. @default 30,000 */
  readonly timeout?: number;
  /** Pauses before further attempts, in milliseconds. @default two, of one and two seconds */
  readonly pauses?: readonly number[];
}

/**
 * The text at a URL. It is asked for again where the server cannot be reached, or answers that it cannot answer now.
 * @throws DownloadError
 */
export async function download(url: string, options: DownloadOptions = {}): Promise<string> {
  return (await downloadBytes(url, options)).toString("utf8");
}

/**
 * What is at a URL, as {@link download} reads it.
 * @throws DownloadError
 */
export async function downloadBytes(url: string, options: DownloadOptions = {}): Promise<Buffer> {
  const { limit = 32 * 2 ** 20, timeout = 30_000, pauses = backoff(2, 1_000) } = options;
  const read = async (): Promise<Buffer> => {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(timeout) });
      if (response.ok) return await bytesWithin(response, limit, url);
      await response.body?.cancel();
      throw new DownloadError(`${url} answers ${response.status}`, response.status);
    } catch (error) {
      if (error instanceof DownloadError) throw error;
      throw new DownloadError(`${url} cannot be read (${rootMessage(error)})`, undefined, { cause: error });
    }
  };
  const isTransient = (error: unknown): boolean =>
    error instanceof DownloadError && (error.status === undefined || error.status === 429 || error.status >= 500);
  return retry(read, { pauses, isTransient });
}

/** Why there is nothing to read at a URL, as part of a message that says what to do. */
export class DownloadError extends Error {
  override readonly name = "DownloadError";
  /** What the server has answered; `undefined`: nothing. */
  readonly status: number | undefined;

  constructor(message: string, status: number | undefined, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

async function bytesWithin(response: Response, limit: number, url: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  const size = { bytes: 0 };
  for await (const part of response.body ?? []) {
    size.bytes += part.byteLength;
    // A status, so that it is not read again.
    if (size.bytes > limit) throw new DownloadError(`${url} has more than ${limit} bytes`, response.status);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** What tells one content from another, as release notes and `sha256sum` have it. */
export function sha256(content: string): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Whether a location is fetched from a server; otherwise it is a path. */
export function isUrl(location: string): boolean {
  return /^https?:\/\//i.test(location);
}
