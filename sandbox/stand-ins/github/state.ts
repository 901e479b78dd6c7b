import { existsSync, readFileSync } from "node:fs";
import { writeStateFile } from "../../machine/private-file.ts";

/** All that the stand-in knows beside what Git knows; the state file is this as JSON. Times are ISO 8601 in UTC. */
export interface State {
  readonly version: 1;
  /** Given to the next thing that needs an id. */
  nextId: number;
  forks: Fork[];
  pullRequests: PullRequest[];
  comments: Comment[];
  statuses: Status[];
  /** Webhook deliveries that have not arrived yet, the oldest first. */
  deliveries: Delivery[];
}

interface Fork {
  readonly id: number;
  /** As owner/name; its Git repository has the same name. */
  readonly fullName: string;
  /** The repository that it is a fork of. */
  readonly of: string;
}

export interface PullRequest {
  readonly id: number;
  /** The repository that it is for, as owner/name. */
  readonly repository: string;
  readonly number: number;
  title: string;
  body: string | null;
  readonly draft: boolean;
  /** The login of its author. */
  readonly author: string;
  readonly createdAt: string;
  updatedAt: string;
  closedAt?: string;
  merged?: { readonly at: string; readonly by: string; readonly commit: string };
  head: { readonly repository: string; readonly ref: string; sha: string };
  base: { ref: string; sha: string };
  labels: string[];
}

export interface Comment {
  readonly id: number;
  readonly repository: string;
  /** The number of its pull request. */
  readonly number: number;
  readonly author: string;
  readonly createdAt: string;
  updatedAt: string;
  body: string;
}

export interface Status {
  readonly id: number;
  readonly repository: string;
  readonly sha: string;
  readonly state: "error" | "failure" | "pending" | "success";
  readonly context: string;
  readonly description: string | null;
  readonly targetUrl: string | null;
  readonly creator: string;
  readonly createdAt: string;
}

export interface Delivery {
  /** Stays the same when it is tried again. */
  readonly id: string;
  readonly event: string;
  readonly queuedAt: string;
  readonly payload: Json;
}

function initialState(): State {
  return { version: 1, nextId: 1, forks: [], pullRequests: [], comments: [], statuses: [], deliveries: [] };
}

export function takeId(state: State): number {
  state.nextId += 1;
  return state.nextId - 1;
}

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
    this.#state = loadState(file);
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

function loadState(file: string): State {
  if (!existsSync(file)) return initialState();
  // Only this program writes the file, and always whole; the version is checked below.
  const state = JSON.parse(readFileSync(file, "utf8")) as State;
  if (state.version === 1) return state;
  const found = JSON.stringify(state.version);
  throw new Error(
    `${file}: the GitHub stand-in reads state of version 1, not ${found}; move the file away to start without pull requests`,
  );
}

/** JSON as an answer or a payload carries it; `undefined` members are left out. */
export type Json = null | boolean | number | string | undefined | Json[] | { [key: string]: Json };
