import { errorMessage } from "../../../core/error.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { annotationOf, nameOf, namespaceOf, type KubernetesObject } from "../../../kubernetes/object.ts";
import type { GitHubConnection } from "../circleci/settings.ts";
import { marks, ownRuns, patch, prune, resultOf } from "./runs.ts";

const application = "Pipelines as Code CI";
const timeoutMilliseconds = 10_000;

interface ReportOptions {
  client: KubernetesClient;
  github: GitHubConnection;
  log: (line: string) => void;
}

/** What a commit's status says of a run at this moment. */
function statusOf(run: KubernetesObject): { state: "pending" | "success" | "failure"; description: string } {
  const { ended, succeeded, message } = resultOf(run);
  if (!ended) return { state: "pending", description: "CI has started" };
  return { state: succeeded ? "success" : "failure", description: message.slice(0, 140) };
}

/**
 * Tells GitHub how runs stand whose status has changed, and removes those that are too many. What it has told is noted on the run
 * itself: where GitHub or this process is away, the next look tells it.
 */
export async function reportRuns({ client, github, log }: ReportOptions): Promise<void> {
  for (const run of await ownRuns(client)) {
    const told = annotationOf(run, marks.state);
    const now = resultOf(run).ended ? "completed" : "started";
    if (told === now) continue;
    try {
      await post(github, run);
      await patch(client, run, { metadata: { annotations: { [marks.state]: now } } });
      if (now === "completed") await prune(client, run);
    } catch (error) {
      log(`status of ${namespaceOf(run)}/${nameOf(run)}: ${errorMessage(error)} (again at the next look)`);
    }
  }
}

async function post({ api, token }: GitHubConnection, run: KubernetesObject): Promise<void> {
  const path = `/repos/${annotationOf(run, marks.fullName)}/statuses/${annotationOf(run, marks.revision)}`;
  const context = `${application} / ${annotationOf(run, marks.name)}`;
  const response = await fetch(`${api}${path}`, {
    method: "POST",
    headers: {
      accept: "application/vnd.github+json",
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ ...statusOf(run), context }),
    signal: AbortSignal.timeout(timeoutMilliseconds),
  });
  await response.body?.cancel();
  // A commit that GitHub does not have any more gets no status, however often one asks.
  if (!response.ok && response.status !== 422 && response.status !== 404)
    throw new Error(`GitHub answers ${response.status} for ${path}`);
}
