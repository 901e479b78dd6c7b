import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** One request for a range, as the server has understood it. */
export interface RangeRequest {
  readonly query: string;
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly authorization: string | undefined;
}

/** What it answers where it does not answer with a series. */
export interface OtherAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Record<string, string>;
}

/** Stands in for a server with Prometheus' HTTP API: queries by POST, each of one series made by a function. */
export class PrometheusStandIn implements AsyncDisposable {
  readonly requests: RangeRequest[] = [];
  /** The value of a query at a moment; `undefined`: none. */
  value: (query: string, seconds: number) => string | undefined = () => "1";
  /** What comes before that, one after the other. */
  readonly answers: OtherAnswer[] = [];
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => void this.answer(request, response));
  }

  static async start(): Promise<PrometheusStandIn> {
    const standIn = new PrometheusStandIn();
    await new Promise<void>((done) => void standIn.server.listen(0, "127.0.0.1", done));
    return standIn;
  }

  get url(): string {
    // A listening server on TCP has such an address.
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = new URLSearchParams(await text(request));
    const query = asked.get("query") ?? "";
    if (request.method !== "POST" || !/^\/api\/v1\/query(_range)?$/.test(request.url ?? ""))
      return void response.writeHead(404).end("404 page not found");
    if (request.url === "/api/v1/query") return this.send(response, this.instant(query));
    const number = (name: string): number => Number(asked.get(name));
    const [start, end, step] = [number("start"), number("end"), number("step")];
    this.requests.push({ query, start, end, step, authorization: request.headers.authorization });
    this.send(response, this.answers.shift() ?? this.series(query, start, end, step));
  }

  private send(response: ServerResponse, { status, body, headers }: OtherAnswer): void {
    response.writeHead(status, headers).end(body);
  }

  private instant(query: string): OtherAnswer {
    const seconds = Math.floor(Date.now() / 1000);
    const value = this.value(query, seconds);
    const result = value === undefined ? [] : [{ metric: {}, value: [seconds, value] }];
    return success({ resultType: "vector", result });
  }

  private series(query: string, start: number, end: number, step: number): OtherAnswer {
    const values: [number, string][] = [];
    for (let seconds = start; seconds <= end; seconds += step) {
      const value = this.value(query, seconds);
      if (value !== undefined) values.push([seconds, value]);
    }
    const result = values.length === 0 ? [] : [{ metric: {}, values }];
    return success({ resultType: "matrix", result });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}

function success(data: object): OtherAnswer {
  const body = JSON.stringify({ status: "success", data });
  return { status: 200, body, headers: { "content-type": "application/json" } };
}
