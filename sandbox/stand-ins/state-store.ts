import { existsSync, readFileSync } from "node:fs";
import type { MiddlewareHandler } from "hono";
import { writeStateFile } from "../machine/private-file.ts";

interface StateStoreOptions<State> {
  /** The JSON file; made if it is not there. */
  readonly file: string;
  /** The state before anything has happened. */
  readonly initial: State;
  /** Whose state it is, as messages name it, e.g. `GitHub stand-in`. */
  readonly owner: string;
  /** What it means to start without the file, e.g. `without pull requests`. */
  readonly withoutFile: string;
}

/**
 * A stand-in's state in memory and in its file. A change is on disk before it is answered, so that a killed process loses
 * nothing that a client was told, and it is made whole or not at all.
 */
export class StateStore<State extends { readonly version: 1 }> {
  readonly #file: string;
  #state: State;
  #turn: Promise<unknown> = Promise.resolve();

  /** @throws Error if the file holds something else */
  constructor(options: StateStoreOptions<State>) {
    this.#file = options.file;
    this.#state = loadState(options);
  }

  get state(): State {
    return this.#state;
  }

  /** Runs one change after the other, since each may wait in the middle. If it fails, the state is what it was before. */
  transaction<Result>(change: (state: State) => Promise<Result> | Result): Promise<Result> {
    const turn = this.#turn.then(() => this.#run(change));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #run<Result>(change: (state: State) => Promise<Result> | Result): Promise<Result> {
    const before = JSON.stringify(this.#state);
    try {
      const result = await change(this.#state);
      if (JSON.stringify(this.#state) !== before) writeStateFile(this.#file, this.#state);
      return result;
    } catch (error) {
      // What was serialized above is a State.
      this.#state = JSON.parse(before) as State;
      throw error;
    }
  }
}

/** Gives each request a turn of its own, in which its handlers find the state; what a refused one has changed is undone. */
export function inTransaction<State extends { readonly version: 1 }>(
  store: StateStore<State>,
): MiddlewareHandler<{ Variables: { state: State } }> {
  return async (c, next) => {
    try {
      await store.transaction(async (state) => {
        c.set("state", state);
        await next();
        if (c.error !== undefined) throw c.error;
      });
    } catch (error) {
      // That of a handler is answered already.
      if (error !== c.error) throw error;
    }
  };
}

function loadState<State extends { readonly version: 1 }>(options: StateStoreOptions<State>): State {
  const { file, initial, owner, withoutFile } = options;
  if (!existsSync(file)) {
    writeStateFile(file, initial);
    return initial;
  }
  const state = parseState(options, readFileSync(file, "utf8"));
  if (state.version === 1) return state;
  const found = JSON.stringify(state.version);
  throw new Error(
    `${file}: the ${owner} reads state of version 1, not ${found}; move the file away to start ${withoutFile}`,
  );
}

function parseState<State>({ file, owner, withoutFile }: StateStoreOptions<State>, text: string): State {
  try {
    // Only this program writes the file, and always whole; the caller checks the version.
    return JSON.parse(text) as State;
  } catch (error) {
    throw new Error(
      `${file} is not the state of the ${owner} (${String(error)}); move it away to start ${withoutFile}`,
      { cause: error },
    );
  }
}
