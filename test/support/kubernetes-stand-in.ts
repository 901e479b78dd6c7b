import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { stringify } from "yaml";
import type { JsonMap } from "../../kubernetes/json.ts";

/** Stands in for an API server: answers requests with the objects that a test has put there, and deletions as it says. */
export class KubernetesStandIn implements AsyncDisposable {
  /** Path of a list → its objects. */
  readonly lists = new Map<string, JsonMap[]>();
  /** What is asked for by a path that is no list: an object, or the text of a log. @default 404 */
  answer: (path: string) => JsonMap | string | undefined = () => undefined;
  /** The paths that may not be read. */
  readonly refused = new Set<string>();
  /** What was read, in the order of the requests. */
  readonly asked: string[] = [];
  /** Path of an object → the status that its deletion is answered with. @default 404 */
  readonly deletions = new Map<string, number>();
  /** What was to be deleted, in the order of the requests. */
  readonly deleted: string[] = [];
  private readonly server: Server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (request.method === "DELETE") {
      this.deleted.push(pathname);
      const status = this.deletions.get(pathname) ?? 404;
      response
        .writeHead(status)
        .end(JSON.stringify({ kind: "Status", apiVersion: "v1", message: `answered ${status}` }));
      return;
    }
    this.asked.push(pathname);
    const items = this.lists.get(pathname);
    const other = items === undefined ? this.answer(pathname) : undefined;
    if (this.refused.has(pathname))
      response
        .writeHead(403)
        .end(JSON.stringify({ kind: "Status", apiVersion: "v1", reason: "Forbidden", message: "forbidden" }));
    else if (other !== undefined) response.end(typeof other === "string" ? other : JSON.stringify(other));
    else if (items === undefined)
      response
        .writeHead(404)
        .end(JSON.stringify({ kind: "Status", apiVersion: "v1", reason: "NotFound", message: "not found" }));
    else response.end(JSON.stringify({ kind: "List", items }));
  });

  static async start(): Promise<KubernetesStandIn> {
    const cluster = new KubernetesStandIn();
    await new Promise<void>((done) => void cluster.server.listen(0, "127.0.0.1", done));
    return cluster;
  }

  /**
   * Writes a kubeconfig that leads here.
   * @param others by the name of its context, another one that it leads to
   */
  writeKubeconfig(file: string, others: Readonly<Record<string, KubernetesStandIn>> = {}): void {
    const clusters = Object.entries({ "stand-in": this, ...others });
    const kubeconfig = {
      "current-context": "stand-in",
      contexts: clusters.map(([name]) => ({ name, context: { cluster: name, user: "stand-in" } })),
      clusters: clusters.map(([name, { port }]) => ({ name, cluster: { server: `http://127.0.0.1:${port}` } })),
      users: [{ name: "stand-in", user: {} }],
    };
    writeFileSync(file, stringify(kubeconfig));
  }

  private get port(): number {
    // A listening server on TCP has such an address.
    return (this.server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}
