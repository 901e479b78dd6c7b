import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { errorMessage } from "../../core/error.ts";
import { CommandError } from "../command.ts";
import { vouchedBranches } from "./actions/ok-to-test.ts";
import { answerComment, type AnswerArgs, type HeardComment } from "./answer-comment.ts";
import { chatLines } from "./chat-command.ts";
import type { ChatRepository } from "./chat-context.ts";
import { readWebhook, WebhookRefusal, type Webhook, type WebhookEvent } from "./webhook.ts";

interface ReceiverArgs extends AnswerArgs {
  readonly address: { readonly host: string; readonly port: number };
  readonly secret: string;
  /** Takes one line for whatever happens. */
  readonly log: (line: string) => void;
}

/** Listens to webhooks until it is closed. */
export interface Receiver extends AsyncDisposable {
  /** E.g. `http://127.0.0.1:8080/webhook`. */
  readonly url: string;
  /** Looks for comments that nobody has answered: GitHub sends a webhook once, whether it arrives or not. */
  readonly sweep: () => Promise<void>;
}

/** What is asked for after that has been heard by its webhook, or never will be. In milliseconds. */
const webhookPatience = 20_000;

/**
 * Starts to listen. A webhook is taken at once and answered by and by, one after the other: GitHub waits for ten seconds, and a
 * promotion may take minutes.
 * @throws CommandError where the address cannot be had
 */
export async function startReceiver(args: ReceiverArgs): Promise<Receiver> {
  const { address, log, places, longestAge } = args;
  const repositories = new Map([places.source, ...places.deploys.values()].map((one) => [one.name.toLowerCase(), one]));
  const queue: { tail: Promise<void> } = { tail: Promise.resolve() };
  const enqueue = (work: () => Promise<string | undefined>): Promise<void> => {
    const before = queue.tail;
    const next = async (): Promise<void> => {
      await before;
      if (args.context.signal.aborted) return;
      const said = await work().catch((error: unknown) => `not answered: ${errorMessage(error)}`);
      if (said !== undefined) log(said);
    };
    queue.tail = next();
    return queue.tail;
  };
  const waiting = { count: 0 };
  const hear = async (heard: Omit<HeardComment, "heardAt">): Promise<void> => {
    const heardAt = headOf(heard);
    waiting.count += 1;
    if (waiting.count > 1)
      void heardAt.then((head) =>
        log(`${heard.comment.url} waits for those before it; it is about ${head ?? "no commit"}`),
      );
    await enqueue(() => answerComment({ ...heard, heardAt }, args));
    waiting.count -= 1;
  };
  const taken = new Map<string, number>();
  const take = ({ delivery, event }: Webhook): string => {
    for (const [known, at] of taken) if (Date.now() - at > longestAge) taken.delete(known);
    if (taken.has(delivery)) return "is taken already";
    taken.set(delivery, Date.now());
    const repository = event && repositories.get(event.repository.toLowerCase());
    if (event === undefined || repository === undefined) return "says nothing that counts here";
    void (event.kind === "comment"
      ? hear({ repository, comment: event.comment, late: false })
      : enqueue(() => tidy(repository, event)));
    return "is taken";
  };
  const server = createServer((request, response) => {
    void answerRequest(request, args.secret, take).then(
      (answer) => respond(response, answer.status, answer.text),
      (error: unknown) => {
        const status = error instanceof WebhookRefusal ? error.status : 500;
        if (!request.destroyed || status !== 500) log(`webhook refused (${status}): ${errorMessage(error)}`);
        respond(response, status, error instanceof WebhookRefusal ? error.message : "internal error");
      },
    );
  });
  server.requestTimeout = 10_000;
  server.headersTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) =>
      reject(new CommandError(`--listen ${address.host}:${address.port}: ${errorMessage(error)}`, { cause: error })),
    );
    server.listen(address.port, address.host, resolve);
  });
  // A server that listens on TCP has such an address.
  const { port } = server.address() as AddressInfo;
  let isFirst = true;
  return {
    url: `http://${address.host.includes(":") ? `[${address.host}]` : address.host}:${port}/webhook`,
    sweep: async () => {
      const youngest = isFirst ? Date.now() : Date.now() - webhookPatience;
      isFirst = false;
      for (const repository of repositories.values()) {
        const found = await repository.chat
          .recentComments(new Date(Date.now() - longestAge))
          .catch((error: unknown) => {
            log(`unanswered comments of ${repository.name} are not known: ${errorMessage(error)}`);
            return [];
          });
        const old = found.filter(({ createdAt }) => Date.parse(createdAt) <= youngest);
        await Promise.all(
          old.map((comment) => enqueue(() => answerUnheard({ repository, comment, late: true }, args))),
        );
      }
    },
    [Symbol.asyncDispose]: async () => {
      server.closeIdleConnections();
      await new Promise((resolve) => server.close(resolve));
      await queue.tail;
    },
  };
}

/** The commit that a comment with commands is about, while it is new. */
async function headOf({ repository, comment }: HeardComment): Promise<string | undefined> {
  if (chatLines(comment.body).length === 0) return undefined;
  return repository.github.pullRequest(comment.number).then(
    ({ head }) => head.sha,
    () => undefined,
  );
}

/** Of what is answered already, nothing is logged: it is found at every sweep. */
async function answerUnheard(comment: HeardComment, args: ReceiverArgs): Promise<string | undefined> {
  const said = await answerComment(comment, args);
  return said?.endsWith("is answered already") === true ? undefined : said;
}

/** What somebody has vouched for is of no use any more. */
async function tidy(
  { refs, name }: ChatRepository,
  { pullRequest }: Extract<WebhookEvent, { kind: "closed" }>,
): Promise<string | undefined> {
  const removed = await refs.removeAll(vouchedBranches(pullRequest));
  return removed.length === 0 ? undefined : `${name}#${pullRequest} is closed: removed ${removed.join(", ")}`;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function answerRequest(
  request: IncomingMessage,
  secret: string,
  take: (webhook: Webhook) => string,
): Promise<Answer> {
  const path = (request.url ?? "").replace(/\?.*/, "");
  if (path === "/healthz") return { status: 200, text: "ok" };
  if (path !== "/webhook") return { status: 404, text: "there is /webhook" };
  if (request.method !== "POST") return { status: 405, text: "a webhook is posted" };
  return { status: 202, text: take(await readWebhook(request, secret)) };
}

function respond(response: ServerResponse, status: number, text: string): void {
  // What is left of a body that is too large is not read.
  response.writeHead(status, { "content-type": "text/plain", ...(status === 413 ? { connection: "close" } : {}) });
  response.end(`${text}\n`);
}
