import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { z } from "zod";

const newPullRequestSchema = z.object({ title: z.string(), body: z.string(), head: z.string(), base: z.string() });
type NewPullRequest = z.infer<typeof newPullRequestSchema>;

/** Stands in for the pull requests of one repository at GitHub's API: opens and lists them. It knows nothing of Git. */
export class PullRequestsStandIn implements AsyncDisposable {
  readonly opened: (NewPullRequest & { number: number })[] = [];
  /** The values of the header `Authorization`. */
  readonly authorizations = new Set<string | undefined>();
  readonly repository: string;
  private readonly server: Server = createServer((request, response) => void this.answer(request, response));

  private constructor(repository: string) {
    this.repository = repository;
  }

  static async start(repository: string): Promise<PullRequestsStandIn> {
    const github = new PullRequestsStandIn(repository);
    await new Promise<void>((done) => void github.server.listen(0, "127.0.0.1", done));
    return github;
  }

  get api(): string {
    // A listening server on TCP has such an address.
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.authorizations.add(request.headers.authorization);
    const { pathname, searchParams } = new URL(request.url ?? "/", this.api);
    if (pathname !== `/repos/${this.repository}/pulls`)
      return void response.writeHead(404).end(JSON.stringify({ message: "Not Found" }));
    if (request.method === "POST") {
      const pull = { ...newPullRequestSchema.parse(JSON.parse(await text(request))), number: this.opened.length + 1 };
      this.opened.push(pull);
      return void response.writeHead(201).end(JSON.stringify(this.view(pull)));
    }
    const [, head] = (searchParams.get("head") ?? "").split(":");
    response.end(JSON.stringify(this.opened.filter((pull) => pull.head === head).map((pull) => this.view(pull))));
  }

  private view({ number, title, head, base }: NewPullRequest & { number: number }): object {
    const side = (ref: string): object => ({ ref, sha: "0".repeat(40), repo: { full_name: this.repository } });
    return {
      number,
      title,
      html_url: `${this.api}/${this.repository}/pull/${number}`,
      state: "open",
      merged_at: null,
      user: { login: "delivery" },
      labels: [],
      head: side(head),
      base: side(base),
    };
  }
}
