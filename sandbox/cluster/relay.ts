import { choosePort } from "../ports.ts";
import { startProcess } from "../process.ts";

/**
 * Opens a server that listens on the loopback interface only, where the node cannot reach it, to the node alone. etcd's
 * gateway, a plain TCP proxy that is in its binary anyway, passes the connections on.
 *
 * @param url of the server, e.g. "http://127.0.0.1:5001"
 * @param host address at which the node reaches this host
 * @returns the URL under which the node reaches it; the given one if it is none of the loopback interface
 */
export async function startRelay(options: {
  stateDir: string;
  etcd: string;
  url: string;
  host: string;
}): Promise<string> {
  const { stateDir, etcd, url, host } = options;
  const { protocol, hostname, port } = new URL(url);
  if (hostname !== "localhost" && !hostname.startsWith("127.")) return url;
  const name = "registry-relay";
  const address = `${host}:${await choosePort(stateDir, name, Number(port), host)}`;
  await startProcess(stateDir, {
    name,
    command: etcd,
    args: ["gateway", "start", `--listen-addr=${address}`, `--endpoints=127.0.0.1:${port}`, "--retry-delay=1s"],
    // Any answer will do: it comes from the server behind.
    ready: async () => (await fetch(`${protocol}//${address}/`)).status > 0,
  });
  return `${protocol}//${address}`;
}
