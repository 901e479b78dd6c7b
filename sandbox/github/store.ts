import { existsSync, readFileSync } from "node:fs";
import { writeStateFile } from "../state-file.ts";
import { initialState, type State } from "./state.ts";

/**
 * The state in memory and in its file. A change is on disk before it is answered, so that a killed process loses nothing
 * that a client was told, and it is made whole or not at all.
 */
export class Store {
  readonly #file: string;
  #state: State;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(file: string) {
    this.#file = file;
    this.#state = load(file);
  }

  /** Runs one change after the other: each waits for Git in the middle. If it fails, the state is what it was before. */
  transaction<T>(change: (state: State) => Promise<T> | T): Promise<T> {
    const turn = this.#turn.then(() => this.#run(change));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #run<T>(change: (state: State) => Promise<T> | T): Promise<T> {
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

function load(file: string): State {
  if (!existsSync(file)) return initialState();
  // Only this program writes the file, and always whole; the version is checked below.
  const state = JSON.parse(readFileSync(file, "utf8")) as State;
  if (state.version === 1) return state;
  const found = JSON.stringify(state.version);
  throw new Error(
    `${file}: the GitHub stand-in reads state of version 1, not ${found}; move the file away to start without pull requests`,
  );
}
