import { z } from "zod";
import { ApiError } from "./api-error.ts";
import { page } from "./page.ts";
import { pullRequestOf } from "./pull-requests.ts";
import {
  bodyOf,
  noContent,
  ok,
  pathPart,
  route,
  userOf,
  writableRepositoryOf,
  type ApiRequest,
  type ApiResponse,
  type Route,
} from "./router.ts";
import type { PullRequest } from "./state.ts";
import { labelView } from "./views.ts";
import { queuePullRequestEvent } from "./webhook-events.ts";

const labels = "/repos/{owner}/{repo}/issues/{number}/labels";

/** Labels of pull requests, which the API counts among the issues. */
export const labelRoutes: readonly Route[] = [
  route("GET", labels, (request) => page(request, views(request, pullRequestOf(request).pull))),
  route("POST", labels, (request) => {
    const pull = writablePull(request);
    for (const name of namesIn(request)) add(request, pull, name);
    return answer(request, pull);
  }),
  route("PUT", labels, (request) => {
    const pull = writablePull(request);
    const wanted = namesIn(request);
    for (const name of pull.labels.filter((known) => !wanted.includes(known))) remove(request, pull, name);
    for (const name of wanted) add(request, pull, name);
    return answer(request, pull);
  }),
  route("DELETE", labels, (request) => {
    const pull = writablePull(request);
    for (const name of pull.labels) remove(request, pull, name);
    return noContent;
  }),
  route("DELETE", `${labels}/{label}`, (request) => {
    const pull = writablePull(request);
    const name = pull.labels.find((known) => same(known, pathPart(request, "label")));
    if (name === undefined) throw new ApiError(404, "Label does not exist");
    remove(request, pull, name);
    return answer(request, pull);
  }),
];

/** A list of names, which GitHub takes with and without an object around it. */
const namesSchema = z
  .union([z.array(z.string().min(1)), z.object({ labels: z.array(z.string().min(1)) })])
  .transform((given) => ("labels" in given ? given.labels : given));

function namesIn(request: ApiRequest): string[] {
  return bodyOf(request, "Label", namesSchema);
}

function writablePull(request: ApiRequest): PullRequest {
  writableRepositoryOf(request);
  return pullRequestOf(request).pull;
}

function add(request: ApiRequest, pull: PullRequest, label: string): void {
  if (pull.labels.some((known) => same(known, label))) return;
  pull.labels = [...pull.labels, label];
  labelChanged(request, "labeled", pull, label);
}

function remove(request: ApiRequest, pull: PullRequest, label: string): void {
  pull.labels = pull.labels.filter((known) => known !== label);
  labelChanged(request, "unlabeled", pull, label);
}

function labelChanged(request: ApiRequest, action: "labeled" | "unlabeled", pull: PullRequest, label: string): void {
  pull.updatedAt = new Date().toISOString();
  queuePullRequestEvent(request.host, request.state, action, pull, userOf(request).login, { label });
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function views({ host }: ApiRequest, { repository, labels: names }: PullRequest) {
  return names.map((name) => labelView(host, repository, name));
}

function answer(request: ApiRequest, pull: PullRequest): ApiResponse {
  return ok(views(request, pull));
}
