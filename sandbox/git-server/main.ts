/**
 * The process of the Git server:
 * `node sandbox/git-server/main.ts --port N --root DIR --users FILE [--kubeconfig FILE --argocd-namespace NAME]`
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { z } from "zod";
import { liveClient } from "../live-client.ts";
import { argoCdRefresh } from "./argocd-refresh.ts";
import { watchPushes, type PushHook } from "./pushes.ts";
import { serveGit } from "./server.ts";

const usersSchema = z.array(
  z.strictObject({ name: z.string(), token: z.string().min(1), access: z.enum(["read", "write"]) }),
);
const log = (line: string): void => console.log(`${new Date().toISOString()} ${line}`);

const { values } = parseArgs({
  options: {
    port: { type: "string" },
    root: { type: "string" },
    users: { type: "string" },
    kubeconfig: { type: "string" },
    "argocd-namespace": { type: "string", default: "argocd" },
  },
});
const { port, root, users, kubeconfig, "argocd-namespace": namespace } = values;
if (port === undefined || root === undefined || users === undefined)
  throw new Error("--port, --root and --users are needed");

// The tokens come in a file, since arguments are visible to every user of the machine.
const git = await serveGit({
  port: Number(port),
  root,
  users: usersSchema.parse(JSON.parse(readFileSync(users, "utf8"))),
  log,
});
const { url } = git;
const hooks: PushHook[] =
  kubeconfig === undefined ? [] : [argoCdRefresh({ cluster: liveClient(kubeconfig), namespace, url })];
const pushes = watchPushes(root, hooks, log);
log(`Git server at ${git.url}`);

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => {
    pushes[Symbol.dispose]();
    void git[Symbol.asyncDispose]().then(() => process.exit(0));
  });
}
