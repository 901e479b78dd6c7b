import type { EngineLog } from "../engine-log.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import type { Discovery } from "./discovery.ts";
import { ApiError, UnreachableError } from "../../../kubernetes/errors.ts";
import type { Mutability } from "./force-new.ts";

/** An API server that answers. */
export interface Cluster {
  client: KubernetesClient;
  discovery: Discovery;
}

export interface Settings {
  /** A cluster that is gone takes its resources with it: they leave the state. */
  deleteUnreachable: boolean;
  /** Resources of a cluster that does not answer stay as they are. */
  skipUpdateUnreachable: boolean;
  /** Take fields over that another field manager owns. */
  patchForce: boolean;
  /** A create adopts an object that exists. */
  upsert: boolean;
  mutability: Mutability;
}

/** What all operations of one configured provider share. */
export interface Session {
  settings: Settings;
  /** The namespace of objects that name none. */
  namespace: string;
  /** Kinds and scopes; usable without an answer of the API server too. */
  discovery: Discovery | undefined;
  /** @throws UnreachableError, or ApiError where the credentials are refused. */
  reach(): Promise<Cluster>;
  /** Ends what waits. */
  cancelled: AbortSignal;
  log: EngineLog;
}

const probeTimeout = 10_000;

/** Asks the API server once whether it is there; a server that only refuses is there. */
export async function probe(client: KubernetesClient): Promise<void> {
  const signal = AbortSignal.timeout(probeTimeout);
  try {
    await client.request("GET", "/version", { signal });
  } catch (error) {
    if (error instanceof ApiError && error.status !== 401) return;
    if (!signal.aborted) throw error;
    const { server, source, context } = client.connection;
    throw new UnreachableError(
      `the API server ${server} does not answer within ${probeTimeout / 1000} s. It is named by context "${context}" of ${source}: start the cluster, or correct the kubeconfig.`,
    );
  }
}

const warned = new WeakSet<Session>();

/** The cluster, or undefined where it does not answer, which is said once. @throws ApiError where the credentials are refused. */
export async function reachable(session: Session): Promise<Cluster | undefined> {
  try {
    return await session.reach();
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    if (!warned.has(session))
      session.log.message(
        "warning",
        "",
        `${error.message} Until then a preview shows what the program says, unchecked.`,
      );
    warned.add(session);
    return undefined;
  }
}
