import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { pushesFolder, watchPushes } from "../../sandbox/stand-ins/git-server/pushes.ts";
import { ensureRepository } from "../../sandbox/stand-ins/git-server/repositories.ts";
import { serveGit } from "../../sandbox/stand-ins/git-server/server.ts";
import { serveGitHub } from "../../sandbox/stand-ins/github/server.ts";

const run = promisify(execFile);
const identity = { GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@b", GIT_COMMITTER_NAME: "a", GIT_COMMITTER_EMAIL: "a@b" };

export const writeToken = "may-write";
export const strangerToken = "someone-else";
export const memberToken = "ada-may-write";
export const botToken = "a-bot-may-write";
export const webhookSecret = "signs-webhooks";

/** A webhook as its receiver sees it. */
export interface Received {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly event: string;
  /** Of the events of pull requests. */
  readonly action: string | undefined;
  // Tests look into payloads member by member.
  readonly payload: Record<string, never>;
}

/** The Git server with the GitHub stand-in, a receiver of webhooks, and a clone of the repository `acme/shop`. */
export interface GitHubHarness extends AsyncDisposable {
  readonly api: string;
  readonly gitUrl: string;
  readonly root: string;
  readonly received: Received[];
  /** What the receiver answers with from now on, one after the other; then 200. */
  readonly answers: number[];
  /** Who is to get what the receiver gets, as it is, and whose answer counts in place of the receiver's. */
  readonly forwarding: { to?: string };
  /** Git in the clone. */
  git(...args: string[]): Promise<string>;
  /** Commits files on a branch, made from where the clone stands if it is not there, and pushes it. Returns the commit. */
  push(branch: string, files: Readonly<Record<string, string>>, repository?: string): Promise<string>;
  request(method: string, path: string, body?: unknown, token?: string): Promise<Answer>;
  restart(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Tests look into answers member by member.
  readonly body: Record<string, never> & readonly Record<string, never>[];
}

/** @param options.webhookSecret with which it signs. @default `webhookSecret` */
export async function openGitHubHarness(options: { readonly webhookSecret?: string } = {}): Promise<GitHubHarness> {
  const folder = mkdtempSync(join(tmpdir(), "github-"));
  const root = join(folder, "git");
  mkdirSync(pushesFolder(root), { recursive: true });
  await ensureRepository(root, { name: "acme/shop", public: true, rewritable: "branches" });
  await ensureRepository(root, { name: "secret" });
  await ensureRepository(root, { name: "acme/deploy", rewritable: "branches" });
  const users = [
    { name: "x-access-token", token: writeToken, access: "write" },
    { name: "someone", token: strangerToken, access: "write" },
  ] as const;
  const git = await serveGit({ port: 0, root, users, log: () => undefined });
  const received: Received[] = [];
  const answers: number[] = [];
  const forwarding: GitHubHarness["forwarding"] = {};
  const receiver = await startReceiver(received, answers, forwarding);
  // A listening server on TCP has such an address.
  const { port: receiverPort } = receiver.address() as AddressInfo;
  const open = async (port: number) => {
    const github = await serveGitHub({
      port,
      stateFile: join(folder, "github.json"),
      host: {
        url: "http://github.test",
        gitUrl: git.url,
        root,
        repositories: [
          { id: 42, fullName: "acme/shop", git: "acme/shop", public: true },
          { id: 43, fullName: "acme/secret", git: "secret", public: false },
          { id: 44, fullName: "acme/deploy", git: "acme/deploy", public: false },
        ],
        users: [
          { login: "robot", token: writeToken, access: "write" },
          { login: "someone", token: strangerToken, access: "read" },
          { login: "ada", token: memberToken, access: "write" },
          { login: "helper[bot]", token: botToken, access: "write" },
        ],
      },
      webhooks: [
        { url: `http://127.0.0.1:${receiverPort}/hooks/github`, secret: options.webhookSecret ?? webhookSecret },
      ],
      log: () => undefined,
    });
    const pushes = watchPushes(root, [github.hook], () => undefined);
    return {
      port: github.port,
      close: async () => {
        pushes[Symbol.dispose]();
        await github[Symbol.asyncDispose]();
      },
    };
  };
  const serving = { github: await open(0) };
  const api = `http://127.0.0.1:${serving.github.port}`;
  const runGit = async (...args: string[]): Promise<string> => {
    const env = { PATH: process.env["PATH"], GIT_CONFIG_GLOBAL: "/dev/null", GIT_TERMINAL_PROMPT: "0", ...identity };
    const { stdout } = await run("git", ["-C", join(folder, "work"), ...args], { env });
    return stdout.trim();
  };
  mkdirSync(join(folder, "work"));
  await runGit("init", "-q", "-b", "main");
  return {
    api,
    gitUrl: git.url,
    root,
    received,
    answers,
    forwarding,
    git: runGit,
    async push(branch, files, repository = "acme/shop") {
      const known = await runGit("branch", "--list", branch);
      const current = await runGit("branch", "--show-current");
      if (current !== branch) await runGit("checkout", "-q", ...(known === "" ? ["-b"] : []), branch);
      for (const [path, content] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, "work", path)), { recursive: true });
        writeFileSync(join(folder, "work", path), content);
      }
      await runGit("add", "-A");
      await runGit("commit", "-q", "-m", `Change ${Object.keys(files).join(", ")}`);
      await runGit("push", "-q", urlWithToken(git.url, repository), branch);
      return runGit("rev-parse", "HEAD");
    },
    async request(method, path, body, token = writeToken) {
      const response = await fetch(`${api}${path}`, {
        method,
        headers: token === "" ? {} : { authorization: `Bearer ${token}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const content = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        body: (content === "" ? {} : JSON.parse(content)) as Answer["body"],
      };
    },
    async restart() {
      const { port, close } = serving.github;
      await close();
      serving.github = await open(port);
    },
    [Symbol.asyncDispose]: async () => {
      await serving.github.close();
      await git[Symbol.asyncDispose]();
      receiver.closeAllConnections();
      receiver.close();
      rmSync(folder, { recursive: true });
    },
  };
}

export function urlWithToken(gitUrl: string, repository: string): string {
  return `${gitUrl.replace("//", `//x-access-token:${writeToken}@`)}/${repository}.git`;
}

function startReceiver(
  received: Received[],
  answers: number[],
  forwarding: GitHubHarness["forwarding"],
): Promise<Server> {
  const server = createServer((request, response) => {
    void text(request).then(async (body) => {
      const { headers } = request;
      const status = answers.shift() ?? (await forward(forwarding.to, headers, body));
      const payload = JSON.parse(body) as Received["payload"] & { action?: string };
      if (status < 300)
        received.push({ headers, body, event: String(headers["x-github-event"]), action: payload.action, payload });
      return response.writeHead(status).end();
    });
  });
  return new Promise((resolve) => void server.listen(0, "127.0.0.1", () => resolve(server)));
}

/** @returns 200 where there is nobody, and 502 where nobody answers, so that it comes again */
async function forward(to: string | undefined, headers: Received["headers"], body: string): Promise<number> {
  if (to === undefined) return 200;
  const kept = Object.entries(headers).filter(([name]) => /^(x-|content-type$)/.test(name));
  return fetch(to, {
    method: "POST",
    headers: Object.fromEntries(kept.map(([name, value]) => [name, String(value)])),
    body,
  }).then(
    ({ status }) => status,
    () => 502,
  );
}
