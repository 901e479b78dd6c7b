import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, watch } from "node:fs";
import { join } from "node:path";
import { writeFileAtomically } from "../../../core/atomic-file.ts";
import { errorMessage } from "../../../core/error.ts";
import { retry } from "../../../core/retry.ts";

/** A branch or tag that a push has moved. */
export interface RefUpdate {
  /** E.g. `refs/heads/main`. */
  ref: string;
  /** Commit before the push; undefined: the ref is new. */
  before?: string;
  /** Commit after the push; undefined: the ref is gone. */
  after?: string;
}

/** What one `git push` has changed. */
export interface Push {
  /** The repository's name, without `.git`. */
  repository: string;
  updates: readonly RefUpdate[];
}

/** Something that follows from a push. */
export interface PushHook {
  /** For the log. */
  name: string;
  /** A rejection means: try again later. */
  run: (push: Push, signal: AbortSignal) => Promise<void>;
  /** Runs when the server starts: requests that came while it was away had no answer. */
  catchUp?: (signal: AbortSignal) => Promise<void>;
}

const retryMilliseconds = [300, 1_000, 3_000, 10_000];

/** Where the repositories' post-receive hooks leave their notes. */
export function pushesFolder(root: string): string {
  return join(root, ".pushes");
}

/**
 * Runs the hooks for every push, also for those that were noted while no process watched. A note is removed when all
 * hooks have ended: each hook runs at least once per push, and again if the process is killed meanwhile.
 */
export function watchPushes(root: string, hooks: readonly PushHook[], log: (line: string) => void): Disposable {
  const folder = pushesFolder(root);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const abort = new AbortController();
  const started = new Set<string>();
  const handleNew = (): void => {
    for (const file of readdirSync(folder).toSorted()) {
      if (!file.endsWith(".push") || started.has(file)) continue;
      started.add(file);
      void handle(join(folder, file)).finally(() => started.delete(file));
    }
  };
  const handle = async (note: string): Promise<void> => {
    const push = parsePush(readFileSync(note, "utf8"));
    const attempt = (hook: PushHook) => () => hook.run(push, abort.signal);
    await Promise.all(
      hooks.map((hook) => untilDone(`push to ${push.repository}: ${hook.name}`, attempt(hook), abort.signal, log)),
    );
    if (!abort.signal.aborted) rmSync(note, { force: true });
  };
  const watcher = watch(folder, handleNew);
  handleNew();
  for (const { name, catchUp } of hooks) {
    if (catchUp !== undefined) void untilDone(`start: ${name}`, () => catchUp(abort.signal), abort.signal, log);
  }
  return {
    [Symbol.dispose]: () => {
      watcher.close();
      abort.abort();
    },
  };
}

/** Reads a note: the repository's name, then Git's lines `<before> <after> <ref>`. */
export function parsePush(note: string): Push {
  const [repository = "", ...lines] = note.trimEnd().split("\n");
  const commit = (name: string): string | undefined => (/^0+$/.test(name) ? undefined : name);
  const updates = lines.flatMap((line) => {
    const [, old = "", now = "", ref = ""] = /^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) (\S+)$/.exec(line) ?? [];
    if (ref === "") return [];
    const [before, after] = [commit(old), commit(now)];
    return [{ ref, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }];
  });
  return { repository, updates };
}

/** Leaves a note as the post-receive hooks do, for a change of refs that was no push. */
export function notePush(root: string, { repository, updates }: Push): void {
  const none = "0".repeat(40);
  const lines = updates.map(({ ref, before = none, after = none }) => `${before} ${after} ${ref}\n`);
  const note = join(pushesFolder(root), `${Date.now()}000000-${randomUUID()}.push`);
  writeFileAtomically(note, `${repository}\n${lines.join("")}`);
}

/** Tries until it succeeds, at most as often as there are pauses and once more. */
async function untilDone(
  title: string,
  work: () => Promise<void>,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<void> {
  const report = (error: unknown, next: string): void => log(`${title}: ${errorMessage(error)} (${next})`);
  try {
    await retry(work, {
      pauses: retryMilliseconds,
      onRetry: (error, pause) => report(error, `again in ${pause / 1000} s`),
      signal,
    });
  } catch (error) {
    if (!signal.aborted) report(error, "given up");
  }
}
