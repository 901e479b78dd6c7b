import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

interface PullRequest {
  state: "open" | "closed";
  labels: readonly string[];
  sha: string;
}

/** As much of GitHub's API as the pull requests of one repository, acme/shop, need; whoever writes is `bot`. */
export class PullRequestStandIn implements AsyncDisposable {
  readonly pullRequests = new Map<number, PullRequest>();
  /** By the number of the pull request, the oldest first. */
  readonly comments = new Map<number, { id: number; body: string }[]>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  static async start(): Promise<PullRequestStandIn> {
    const standIn = new PullRequestStandIn();
    await new Promise<void>((resolve) => void standIn.#server.listen(0, "127.0.0.1", resolve));
    return standIn;
  }

  get url(): string {
    // A server that listens on a port has an address of this form.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.closeAllConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body } = await this.#answer(request);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
    const { pathname } = new URL(request.url ?? "", this.url);
    if (pathname === "/user") return { status: 200, body: { login: "bot" } };
    const number = Number(/^\/repos\/acme\/shop\/pulls\/(\d+)$/.exec(pathname)?.[1]);
    const pull = this.pullRequests.get(number);
    if (pull !== undefined) return { status: 200, body: this.#pull(number, pull) };
    const issue = Number(/^\/repos\/acme\/shop\/issues\/(\d+)\/comments$/.exec(pathname)?.[1]);
    const comments = this.comments.get(issue) ?? [];
    if (issue > 0 && request.method === "GET") return { status: 200, body: comments.map(commented) };
    // The commands send what the client's types say.
    const { body = "" } = (request.method === "GET" ? {} : await json(request)) as { body?: string };
    if (issue > 0) {
      const comment = { id: issue * 100 + comments.length, body };
      this.comments.set(issue, [...comments, comment]);
      return { status: 201, body: commented(comment) };
    }
    const id = Number(/^\/repos\/acme\/shop\/issues\/comments\/(\d+)$/.exec(pathname)?.[1]);
    const changed = [...this.comments.values()].flat().find((comment) => comment.id === id);
    if (changed === undefined) return { status: 404, body: { message: "Not Found" } };
    changed.body = body;
    return { status: 200, body: commented(changed) };
  }

  #pull(number: number, { state, labels, sha }: PullRequest): object {
    const repo = { full_name: "acme/shop" };
    return {
      number,
      title: "A change",
      html_url: `${this.url}/acme/shop/pull/${number}`,
      state,
      user: { login: "someone" },
      labels: labels.map((name) => ({ name })),
      head: { ref: "change", sha, repo },
      base: { ref: "main", sha: "0".repeat(40), repo },
    };
  }
}

function commented({ id, body }: { id: number; body: string }): object {
  return { id, body, html_url: `https://github.example/${id}`, user: { login: "bot", type: "User" } };
}
