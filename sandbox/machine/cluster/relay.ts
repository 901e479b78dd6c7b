import { choosePort } from "../ports.ts";
import { frugalGo, startProcess } from "../process.ts";

export const registryRelay = "registry-relay";

interface RelayOptions {
  stateDir: string;
  /** Path of the binary. */
  etcd: string;
  /** Of the process, and of its port. */
  name: string;
  /** Of the server, e.g. "http://127.0.0.1:5001". */
  url: string;
  /** Address at which the node reaches this host. */
  host: string;
}

/**
 * Opens a server that listens on the loopback interface only, where the node cannot reach it, to the node alone. etcd's
 * gateway, a plain TCP proxy that is in its binary anyway, passes the connections on.
 *
 * @returns the URL under which the node reaches it; the given one if it is none of the loopback interface
 */
export async function startRelay({ stateDir, etcd, name, url, host }: RelayOptions): Promise<string> {
  const { protocol, hostname, port } = new URL(url);
  if (hostname !== "localhost" && !hostname.startsWith("127.")) return url;
  const address = `${host}:${await choosePort(stateDir, name, Number(port), host)}`;
  await startProcess(stateDir, {
    name,
    command: etcd,
    args: ["gateway", "start", `--listen-addr=${address}`, `--endpoints=127.0.0.1:${port}`, "--retry-delay=1s"],
    env: frugalGo,
    // Any answer will do: it comes from the server behind.
    ready: async () => (await fetch(`${protocol}//${address}/`)).status > 0,
  });
  return `${protocol}//${address}`;
}
