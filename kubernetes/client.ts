import http from "node:http";
import https from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { JsonMap } from "./json.ts";
import { answer, asApiError, unreachable } from "./answer.ts";
import type { Connection } from "./connection.ts";
import { credentialsOf } from "./credentials.ts";
import type { Credentials } from "./credentials.ts";
import { ApiError } from "./errors.ts";

export interface RequestOptions {
  query?: Readonly<Record<string, string | undefined>>;
  body?: unknown;
  /** @default application/json */
  contentType?: string;
  signal?: AbortSignal;
}

/** An answer as it came. */
export interface PlainAnswer {
  /** The HTTP status. */
  readonly status: number;
  readonly text: string;
}

/** Speaks to one API server. */
export interface KubernetesClient {
  readonly connection: Connection;
  /** @throws ApiError for a refusal, UnreachableError where there is no answer. */
  request(method: string, path: string, options?: RequestOptions): Promise<JsonMap>;
  /** What is no object: the log of a container. @throws ApiError for a refusal, UnreachableError where there is no answer. */
  text(path: string, options?: RequestOptions): Promise<string>;
  /**
   * What somebody behind the API server answers, whatever its status is: a pod, or a Service.
   * @throws UnreachableError where the API server gives no answer
   */
  answer(path: string, options?: RequestOptions): Promise<PlainAnswer>;
  /** The events of a watch, until the server or the signal ends it. */
  watch(path: string, options: RequestOptions): AsyncGenerator<JsonMap>;
}

const requestTimeout = 60_000;

export function createClient(
  connection: Connection,
  environment: Readonly<Record<string, string | undefined>>,
): KubernetesClient {
  const transport = connection.server.startsWith("https:") ? https : http;
  const agent = new transport.Agent({ keepAlive: true });
  let credentials: Promise<Credentials> | undefined;
  const current = async (): Promise<Credentials> => {
    const known = await credentials;
    if (known === undefined || (known.expires ?? Infinity) < Date.now())
      credentials = credentialsOf(connection.user, environment);
    return (await credentials) ?? {};
  };

  const send = async (
    method: string,
    path: string,
    options: RequestOptions,
    timeout: number,
  ): Promise<http.IncomingMessage> => {
    const { authorization, cert, key } = await current();
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(options.query ?? {})) if (value !== undefined) query.set(name, value);
    const url = new URL(`${connection.server}${path}${query.size > 0 ? `?${query.toString()}` : ""}`);
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    return await new Promise((resolve, reject) => {
      const request = transport.request(url, {
        agent,
        method,
        timeout,
        ...connection.tls,
        ...(cert && key ? { cert, key } : {}),
        ...(options.signal ? { signal: options.signal } : {}),
        headers: {
          accept: "application/json",
          "user-agent": "delivery",
          ...(authorization ? { authorization } : {}),
          ...(body === undefined
            ? {}
            : { "content-type": options.contentType ?? "application/json", "content-length": Buffer.byteLength(body) }),
        },
      });
      request.on("response", resolve);
      request.on("timeout", () =>
        request.destroy(Object.assign(new Error(`no answer within ${timeout / 1000} s`), { code: "ETIMEDOUT" })),
      );
      request.on("error", (error: NodeJS.ErrnoException) => {
        reject(Object.assign(error, { stale: request.reusedSocket && error.code === "ECONNRESET" }));
      });
      request.end(body);
    });
  };

  return {
    connection,
    async request(method, path, options = {}) {
      for (let attempt = 0; ; attempt++) {
        try {
          const response = await send(method, path, options, requestTimeout);
          const text = await read(response);
          // 429 and 503 with Retry-After mean: nothing was done, ask again.
          const wait = Number(response.headers["retry-after"]);
          if ((response.statusCode === 429 || response.statusCode === 503) && wait > 0 && attempt < 5) {
            await sleep(wait * 1000, undefined, options.signal ? { signal: options.signal } : {});
            continue;
          }
          return answer(response, text, connection);
        } catch (error) {
          if (error instanceof ApiError || options.signal?.aborted) throw error;
          // The server had closed a kept connection before the request reached it.
          if (error instanceof Error && "stale" in error && error.stale === true && attempt < 3) continue;
          throw unreachable(error, connection);
        }
      }
    },
    async text(path, options = {}) {
      try {
        const response = await send("GET", path, options, requestTimeout);
        const text = await read(response);
        if (response.statusCode !== 200) throw asApiError(response.statusCode ?? 0, text, connection);
        return text;
      } catch (error) {
        if (error instanceof ApiError || options.signal?.aborted) throw error;
        throw unreachable(error, connection);
      }
    },
    async answer(path, options = {}) {
      try {
        const response = await send("GET", path, options, requestTimeout);
        return { status: response.statusCode ?? 0, text: await read(response) };
      } catch (error) {
        if (options.signal?.aborted) throw error;
        throw unreachable(error, connection);
      }
    },
    async *watch(path, options) {
      const response = await send("GET", path, { ...options, query: { ...options.query, watch: "true" } }, 0);
      if (response.statusCode !== 200) throw asApiError(response.statusCode ?? 0, await read(response), connection);
      let rest = "";
      response.setEncoding("utf8");
      // A readable stream in text mode yields strings.
      for await (const chunk of response as AsyncIterable<string>) {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) if (line !== "") yield JSON.parse(line) as JsonMap;
      }
    },
  };
}

async function read(response: http.IncomingMessage): Promise<string> {
  response.setEncoding("utf8");
  const chunks: string[] = [];
  for await (const chunk of response as AsyncIterable<string>) chunks.push(chunk);
  return chunks.join("");
}
