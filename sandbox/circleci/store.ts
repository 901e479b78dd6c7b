import { readFileSync } from "node:fs";
import { writeStateFile } from "../state-file.ts";
import { initialState } from "./state.ts";
import type { State } from "./state.ts";

/**
 * The state in memory and in its file. A change is on disk before it is answered, so that a killed process loses nothing
 * that a client was told, and it is made whole or not at all.
 */
export class Store {
  readonly #file: string;
  #state: State;

  constructor(file: string) {
    this.#file = file;
    this.#state = load(file);
  }

  get state(): State {
    return this.#state;
  }

  /** Runs a handler; if it changed the state, writes it, and if either fails, keeps the state from before. */
  transaction<Result>(handle: (state: State) => Result): Result {
    const before = JSON.stringify(this.#state);
    try {
      const result = handle(this.#state);
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
  const text = readIfThere(file);
  if (text === undefined) {
    const state = initialState();
    writeStateFile(file, state);
    return state;
  }
  const value = parse(file, text);
  if (value.version !== 1) {
    const found = JSON.stringify(value.version);
    throw new Error(
      `${file}: the CircleCI stand-in reads state of version 1, not ${found}; move the file away to start with an empty account`,
    );
  }
  return value;
}

function parse(file: string, text: string): State {
  try {
    // Only this program writes the file, and always whole; the version is checked by the caller.
    return JSON.parse(text) as State;
  } catch (error) {
    throw new Error(
      `${file} is not the state of the CircleCI stand-in (${String(error)}); move it away to start with an empty account`,
      { cause: error },
    );
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
