import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, request as sendRequest, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { GitManifests, type GitManifestsArgs } from "../../../components/deploy-repository/git-manifests.ts";
import { openStack } from "../../../sandbox/engine/open-stack.ts";
import { buildTools } from "../../../sandbox/machine/tools/go-tools.ts";
import { pushesFolder } from "../../../sandbox/stand-ins/git-server/pushes.ts";
import { ensureRepository } from "../../../sandbox/stand-ins/git-server/repositories.ts";
import { serveGit } from "../../../sandbox/stand-ins/git-server/server.ts";

export const writeToken = "hunter2-may-write";
export const readToken = "hunter3-may-only-read";

/** A Git server with a deploy repository, behind a gate that tests can close or step into. */
export interface DeployServer extends AsyncDisposable {
  readonly url: string;
  /** The directory of the bare repository. */
  readonly path: string;
  /** Runs once, before the next request whose method and path match is answered. */
  before(kind: RegExp, act: () => void): void;
  /** Takes no more connections, on the same port, until it is opened again. */
  close(): Promise<void>;
  open(): Promise<void>;
}

export async function startDeployServer(directory: string): Promise<DeployServer> {
  const root = join(directory, "git");
  mkdirSync(pushesFolder(root), { recursive: true });
  await ensureRepository(root, { name: "deploy", branches: ["main", "next"] });
  const users = [
    { name: "x-access-token", token: writeToken, access: "write" },
    { name: "reader", token: readToken, access: "read" },
  ] as const;
  const git = await serveGit({ port: 0, root, users, log: () => {} });
  const acts: { kind: RegExp; act: () => void }[] = [];
  const gate = createServer((request, response) => {
    const index = acts.findIndex(({ kind }) => kind.test(`${request.method} ${request.url}`));
    if (index >= 0) acts.splice(index, 1)[0]?.act();
    const forwarded = sendRequest(
      new URL(request.url ?? "/", git.url),
      { method: request.method ?? "GET", headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    forwarded.on("error", () => response.destroy());
    request.pipe(forwarded);
  });
  await listen(gate, 0);
  // A listening server on TCP has such an address.
  const { port } = gate.address() as AddressInfo;
  const close = async (): Promise<void> => {
    gate.closeAllConnections();
    await new Promise((closed) => gate.close(closed));
  };
  return {
    url: `http://127.0.0.1:${port}/deploy.git`,
    path: join(root, "deploy.git"),
    before: (kind, act) => void acts.push({ kind, act }),
    close,
    open: () => listen(gate, port),
    [Symbol.asyncDispose]: async () => {
      await close();
      await git[Symbol.asyncDispose]();
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((done) => void server.listen(port, "127.0.0.1", done));
}

/** A stack of the real engine that holds nothing but `GitManifests`. */
export interface ManifestsStack extends Disposable {
  /** Everything that the engine keeps. */
  readonly directory: string;
  readonly stack: Stack;
  /** Declares these manifests from here on; `undefined`: none. */
  declare(args: GitManifestsArgs | undefined): void;
}

export async function openManifestsStack(): Promise<ManifestsStack> {
  const directory = mkdtempSync(join(tmpdir(), "git-manifests-"));
  const { pulumi } = await buildTools(["pulumi"], () => {});
  const declared: { args: GitManifestsArgs | undefined } = { args: undefined };
  const stack = await openStack({
    directory: join(directory, "engine"),
    pulumi,
    project: "delivery",
    stack: "dev",
    program: async () => ({
      commit: declared.args === undefined ? "none" : new GitManifests("dev", declared.args).commit,
    }),
    settings: {},
    secrets: {},
    providers: [],
  });
  return {
    directory,
    stack,
    declare: (args) => {
      declared.args = args;
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}
