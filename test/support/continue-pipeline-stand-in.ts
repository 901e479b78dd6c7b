import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

/** What was posted to continue a pipeline. */
export interface PostedPipeline {
  readonly "continuation-key": string;
  readonly configuration: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** Stands in for CircleCI's endpoint that continues a pipeline, and for GitHub's open pull requests and their comments. */
export class ContinuePipelineStandIn implements AsyncDisposable {
  readonly posted: PostedPipeline[] = [];
  /** The statuses of the next answers of CircleCI; then 200. */
  readonly refusals: { status: number; message: string }[] = [];
  /** As GitHub has them. */
  readonly pullRequests: Readonly<Record<string, unknown>>[] = [];
  /** Those of every pull request. */
  readonly comments: unknown[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const answer = (status: number, body: unknown): void => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      };
      if (request.method === "GET" && request.url === "/user") return answer(200, { login: "robot" });
      if (request.method === "GET" && request.url?.startsWith("/repos/acme/shop/pulls?"))
        return answer(200, this.pullRequests);
      const pull = this.pullRequests.find((one) => request.url === `/repos/acme/shop/pulls/${Number(one["number"])}`);
      if (request.method === "GET" && pull !== undefined) return answer(200, pull);
      if (request.method === "GET" && /^\/repos\/acme\/shop\/issues\/\d+\/comments/.test(request.url ?? ""))
        return answer(200, this.comments);
      if (request.method === "POST" && request.url === "/repos/acme/shop/issues/12/comments") {
        const user = { login: "robot", type: "User" };
        // The client sends nothing else.
        const { body: text } = (await json(request)) as { body: string };
        this.comments.push({ id: this.comments.length + 1, html_url: "", user, body: text });
        return answer(201, this.comments.at(-1));
      }
      if (request.method !== "POST" || request.url !== "/api/v2/pipeline/continue")
        return answer(404, { message: "Not Found" });
      // The tests look at what was posted.
      const body = (await json(request)) as PostedPipeline;
      const refusal = this.refusals.shift();
      if (refusal !== undefined) return answer(refusal.status, { message: refusal.message });
      this.posted.push(body);
      answer(200, { message: "Pipeline successfully continued." });
    });
  }

  static async start(): Promise<ContinuePipelineStandIn> {
    const standIn = new ContinuePipelineStandIn();
    await new Promise<void>((resolve) => standIn.#server.listen(0, "127.0.0.1", resolve));
    return standIn;
  }

  get url(): string {
    // A server that listens on TCP has such an address.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
