import { get } from "node:http";

/** What a Gateway on this machine answers for a host: the status, and the body. No name of a test's host resolves. */
export function askGateway(port: number, host: string, path = "/"): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path, headers: { host }, timeout: 5000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    })
      .on("timeout", function (this: { destroy(error: Error): void }) {
        this.destroy(new Error("no answer within 5 s"));
      })
      .on("error", reject);
  });
}
