import { isNotFound, NoSuchKindError, UnreachableError } from "../../../kubernetes/errors.ts";
import {
  annotationOf,
  describe,
  kindOf,
  listAt,
  nameOf,
  namespaceOf,
  stringAt,
  withValue,
  type KubernetesObject,
} from "../../../kubernetes/object.ts";
import type { DeleteRequest } from "../resource-provider.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { collectionPath, objectPath } from "./discovery.ts";
import { isAwaitSkipped, timeoutOf } from "./readiness.ts";
import { explainUnreachable, type Cluster, type Session } from "./session.ts";
import { watchList } from "./watch.ts";

/** Kinds for which pulumi.com/skipAwait holds at deletion too, as in the official provider. */
const skipping = new Set([
  "Namespace",
  "Pod",
  "ReplicationController",
  "DaemonSet",
  "Deployment",
  "StatefulSet",
  "Job",
]);

/** Deletes the object and waits until it is gone; what is gone already is fine. */
export async function remove(session: Session, request: DeleteRequest): Promise<void> {
  let cluster: Cluster;
  try {
    cluster = await session.reach();
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    if (session.settings.deleteUnreachable) return;
    throw explainUnreachable(error);
  }
  const { live, inputs } = readCheckpoint(request.state);
  const [first = "", second] = request.id.split("/", 2);
  const target = withValue(live, ["metadata", "name"], second ?? first);
  try {
    const resource = await cluster.discovery.resource(kindOf(target));
    const path = objectPath(resource, target);
    const answer = await cluster.client.request("DELETE", path, {
      body: { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: propagation(inputs) },
    });
    if (isAwaitSkipped(inputs) && skipping.has(kindOf(target).kind)) return;
    // What goes at once is answered with a status, what has finalizers or a grace period with the object.
    const uid =
      stringAt(answer, "metadata", "uid") ?? stringAt(answer, "details", "uid") ?? stringAt(live, "metadata", "uid");
    await gone(session, cluster, {
      path: collectionPath(resource, namespaceOf(target)),
      target,
      uid,
      seconds: timeoutOf(inputs, request.timeoutSeconds),
    });
    cluster.discovery.forget(target);
  } catch (error) {
    if (isNotFound(error) || error instanceof NoSuchKindError) return;
    throw error;
  }
}

function propagation(inputs: KubernetesObject): string {
  const policy = annotationOf(inputs, "pulumi.com/deletionPropagationPolicy")?.toLowerCase();
  return policy === "orphan" ? "Orphan" : policy === "background" ? "Background" : "Foreground";
}

interface Awaited {
  /** The path of the object's collection. */
  path: string;
  target: KubernetesObject;
  uid: string | undefined;
  seconds: number;
}

async function gone(session: Session, cluster: Cluster, { path, target, uid, seconds }: Awaited): Promise<void> {
  const elapsed = AbortSignal.timeout(seconds * 1000);
  const done = new AbortController();
  let last = target;
  try {
    const signal = AbortSignal.any([elapsed, session.cancelled, done.signal]);
    for await (const [object] of watchList(
      cluster.client,
      { path, fieldSelector: `metadata.name=${nameOf(target)}` },
      signal,
    )) {
      // One with another uid is a new object of the same name.
      if (object === undefined || (uid !== undefined && stringAt(object, "metadata", "uid") !== uid)) return;
      last = { ...kindOf(target), ...object };
    }
  } catch (error) {
    if (!elapsed.aborted && !session.cancelled.aborted) throw error;
    const how = elapsed.aborted
      ? `was still there ${seconds} s after its deletion`
      : "was still being deleted when the operation was cancelled";
    throw new Error(`${describe(last)} ${how}.${blockers(last)}`, { cause: error });
  } finally {
    done.abort();
  }
}

function blockers(object: KubernetesObject): string {
  const metadata = object["metadata"];
  const finalizers = [metadata, object["spec"]].flatMap((part) => {
    const list = typeof part === "object" && part !== null && !Array.isArray(part) ? part["finalizers"] : undefined;
    return Array.isArray(list) ? list.map(String) : [];
  });
  const said = listAt(object, "status", "conditions")
    .filter((condition) => condition["status"] === "True")
    .map((condition) => stringAt(condition, "message") ?? "")
    .filter((message) => message !== "");
  const waits = finalizers.length > 0 ? ` Its finalizers wait for somebody: ${finalizers.join(", ")}.` : "";
  const hint = finalizers.some((finalizer) => finalizer.startsWith("resources-finalizer.argocd.argoproj.io"))
    ? argoCdHint
    : "";
  return `${waits}${said.length > 0 ? ` ${said.join(" ")}` : ""}${hint}`;
}

const argoCdHint =
  " Argo CD's application controller removes what the Application has made, and then this finalizer: see that it runs (with its AppProject and its" +
  " repository's Secret still there), then destroy again. Removing the finalizer by hand leaves those objects running.";
