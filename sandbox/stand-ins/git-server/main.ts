/**
 * The process of the Git server:
 * `node sandbox/stand-ins/git-server/main.ts --port N --root DIR --users FILE [--kubeconfig FILE --argocd-namespace NAME]
 *  [--github FILE]`
 */
import { readFileSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { parseArgs } from "node:util";
import { z } from "zod";
import { liveClient } from "../../machine/kubernetes-client.ts";
import { githubSettingsSchema } from "../github/host.ts";
import { serveGitHub, type GitHub } from "../github/server.ts";
import { argoCdRefresh, readChangedPaths } from "./argocd-refresh.ts";
import { watchPushes, type PushHook } from "./pushes.ts";
import { serveGit } from "./server.ts";

const usersSchema = z.array(
  z.strictObject({
    name: z.string(),
    token: z.string().min(1),
    access: z.enum(["read", "write"]),
    pushes: z.strictObject({ repository: z.string(), directory: z.string() }).optional(),
  }),
);
const log = (line: string): void => console.log(`${new Date().toISOString()} ${line}`);

const { values } = parseArgs({
  options: {
    port: { type: "string" },
    root: { type: "string" },
    users: { type: "string" },
    kubeconfig: { type: "string" },
    "argocd-namespace": { type: "string", default: "argocd" },
    github: { type: "string" },
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
const github = values.github === undefined ? undefined : await openGitHub(values.github, root);
const hooks: PushHook[] = [
  ...(kubeconfig === undefined
    ? []
    : [
        argoCdRefresh({
          cluster: liveClient(kubeconfig),
          namespace,
          url,
          changedPaths: (push) => readChangedPaths(root, push),
        }),
      ]),
  ...(github === undefined ? [] : [github.hook]),
];
const pushes = watchPushes(root, hooks, log);
log(`Git server at ${git.url}`);
flushCompileCache();

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => {
    pushes[Symbol.dispose]();
    void Promise.all([git[Symbol.asyncDispose](), github?.[Symbol.asyncDispose]()]).then(() => process.exit(0));
  });
}

/** The stand-in for GitHub's API shares this process, since it works on the repositories themselves. */
async function openGitHub(file: string, folder: string): Promise<GitHub> {
  const settings = githubSettingsSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  const { port: requested, stateFile, webhooks, ...host } = settings;
  const served = await serveGitHub({
    port: requested,
    stateFile,
    webhooks,
    host: { ...host, gitUrl: git.url, root: folder },
    log,
  });
  log(`GitHub stand-in at ${host.url}`);
  return served;
}
