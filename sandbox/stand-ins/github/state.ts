import { StateStore } from "../state-store.ts";

/** All that the stand-in knows and Git does not; the state file is this as JSON. Times are ISO 8601 in UTC. */
export interface State {
  readonly version: 1;
  /** Given to the next thing that needs an id. */
  nextId: number;
  forks: Fork[];
  pullRequests: PullRequest[];
  comments: Comment[];
  /** Left out in files of earlier versions. */
  reactions?: Reaction[];
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

/** Of a comment. */
export interface Reaction {
  readonly id: number;
  readonly comment: number;
  readonly content: string;
  readonly author: string;
  readonly createdAt: string;
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

export function takeId(state: State): number {
  state.nextId += 1;
  return state.nextId - 1;
}

/** @throws Error if the file holds something else */
export function openStore(file: string): StateStore<State> {
  const initial: State = {
    version: 1,
    nextId: 1,
    forks: [],
    pullRequests: [],
    comments: [],
    statuses: [],
    deliveries: [],
  };
  return new StateStore({ file, initial, owner: "GitHub stand-in", withoutFile: "without pull requests" });
}

/** JSON as an answer or a payload carries it; `undefined` members are left out. */
export type Json = null | boolean | number | string | undefined | Json[] | { [key: string]: Json };
