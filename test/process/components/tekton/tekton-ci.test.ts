import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json, text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { TektonCi } from "../../../../components/tekton/tekton-ci.ts";
import { openMockEngine } from "../../../support/mock-engine.ts";
import { sampleSchedules, sampleTektonCi } from "../../../support/sample-tekton-ci.ts";

/** What the container of the schedule's CronJob runs, as the stack declares it. */
async function declaredCommand(): Promise<readonly string[]> {
  const engine = await openMockEngine("dev", { values: {}, secretKeys: [] });
  new TektonCi("shop", { ...sampleTektonCi, ...sampleSchedules });
  const resources = Object.entries(await engine.resources());
  const [, job] = resources.find(([urn]) => urn.includes("batch/v1:CronJob::drift")) ?? [];
  return Object(job).spec.jobTemplate.spec.template.spec.containers[0].command;
}

test("the CronJob of a schedule asks for its run, and fails where it is refused", async () => {
  const asked: unknown[] = [];
  let status = 202;
  const server = createServer(async (request, response) => {
    asked.push([request.method, request.url, request.headers["content-type"], await json(request)]);
    response.writeHead(status).end("said so");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // A listening server on TCP has such an address.
  const { port } = server.address() as AddressInfo;
  const [, ...args] = await declaredCommand();
  const env = {
    CONTROLLER: `http://127.0.0.1:${port}`,
    REPOSITORY: "shop",
    NAMESPACE: "shop-ci",
    BRANCH: "main",
    RUN: "drift-",
    SECRET: "hunter2",
  };
  const run = async (): Promise<{ code: unknown; output: string }> => {
    const started = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "inherit"] });
    const [[code], output] = await Promise.all([once(started, "close"), text(started.stdout)]);
    return { code, output };
  };
  expect(await run()).toEqual({ code: 0, output: "202 said so\n" });
  const body = { repository: "shop", namespace: "shop-ci", branch: "main", pipelinerun: "drift-", secret: "hunter2" };
  expect(asked).toEqual([["POST", "/incoming", "application/json", body]]);
  status = 401;
  expect(await run()).toEqual({ code: 1, output: "401 said so\n" });
  server.close();
});
