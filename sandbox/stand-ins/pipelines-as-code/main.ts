/**
 * The process of the stand-in for Pipelines-as-Code:
 * `node sandbox/stand-ins/pipelines-as-code/main.ts --port N --kubeconfig FILE --github FILE`
 */
import { readFileSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { parseArgs } from "node:util";
import { kubernetesClient } from "../../machine/kubernetes-client.ts";
import { gitHubConnectionSchema } from "../circleci/settings.ts";
import { servePipelinesAsCode } from "./server.ts";

const text = { type: "string" } as const;
const { values } = parseArgs({ options: { port: text, kubeconfig: text, github: text } });
const { port, kubeconfig, github } = values;
if (port === undefined || kubeconfig === undefined || github === undefined)
  throw new Error("usage: node sandbox/stand-ins/pipelines-as-code/main.ts --port N --kubeconfig FILE --github FILE");

const server = await servePipelinesAsCode({
  port: Number(port),
  client: kubernetesClient(kubeconfig),
  // The secrets come in a file, since arguments are visible to every user of the machine.
  github: gitHubConnectionSchema.parse(JSON.parse(readFileSync(github, "utf8"))),
  log: (line) => console.log(`${new Date().toISOString()} ${line}`),
});
console.log(`Pipelines-as-Code stand-in at http://127.0.0.1:${server.port}`);
flushCompileCache();
for (const signal of ["SIGTERM", "SIGINT"] as const)
  process.once(signal, () => void server[Symbol.asyncDispose]().then(() => process.exit(0)));
