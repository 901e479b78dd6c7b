import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { overlaps, parseNetwork, type Network } from "../../../sandbox/machine/cluster/addresses.ts";
import { markedPids } from "../../../sandbox/machine/process-identity.ts";

/** A socket that waits for others: a TCP server, or a UDP socket that takes from everybody. */
interface ListeningSocket {
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
  readonly inode: string;
}

/**
 * Where processes of a sandbox can be reached from beyond its machine, as `command protocol address:port`. In the machine's own
 * network they may listen on loopback and on the sandbox's link to its node. In a network namespace of the sandbox's own they may
 * listen on all addresses, where all of these are its own.
 */
export function exposedSockets(stateDir: string): string[] {
  const own = [parseNetwork("127.0.0.0/8"), ...blockOf(stateDir)];
  const exposed = markedPids(stateDir).flatMap((pid) => {
    const sockets = socketsOf(pid);
    const closed = inMachineNetwork(pid)
      ? sockets.filter(({ address }) => !isWithin(address, own))
      : foreignAddresses(pid, own).length > 0
        ? sockets
        : [];
    return closed.map(({ protocol, address, port }) => `${commandOf(pid)} ${protocol} ${address}:${port}`);
  });
  return [...new Set(exposed)].toSorted();
}

/** How many sockets the processes of a sandbox listen on, wherever that is. */
export function countSockets(stateDir: string): number {
  return new Set(markedPids(stateDir).flatMap((pid) => socketsOf(pid).map(({ inode }) => inode))).size;
}

/** The sandbox's block of addresses; none where its pods are simulated. */
function blockOf(stateDir: string): Network[] {
  const path = join(stateDir, "addresses.json");
  const block = existsSync(path) ? /\d+/.exec(readFileSync(path, "utf8"))?.[0] : undefined;
  return block === undefined ? [] : [parseNetwork(`10.${block}.0.0/16`)];
}

function inMachineNetwork(pid: number): boolean {
  return link(`/proc/${pid}/ns/net`) === link("/proc/self/ns/net");
}

/** Addresses of the process's network namespace that are not the sandbox's; those of links themselves lead nowhere else. */
function foreignAddresses(pid: number, own: readonly Network[]): string[] {
  const table = read(`/proc/${pid}/net/fib_trie`);
  const local = [...table.matchAll(/(\d+\.\d+\.\d+\.\d+)\n\s+\/32 host LOCAL/g)].map(([, address]) => address ?? "");
  const six = read(`/proc/${pid}/net/if_inet6`)
    .split("\n")
    .flatMap((line) => line.split(" ", 1))
    .filter((hex) => hex !== "" && !hex.startsWith("fe80"))
    .map(fromBigEndian);
  return [...new Set([...local, ...six])].filter((address) => !isWithin(address, own));
}

function isWithin(address: string, networks: readonly Network[]): boolean {
  const four = address.replace(/^::ffff:/, "");
  if (four.includes(":")) return four === "::1";
  return networks.some((network) => overlaps(network, parseNetwork(four)));
}

function socketsOf(pid: number): ListeningSocket[] {
  const open = new Set(openFiles(pid));
  return ["tcp", "tcp6", "udp", "udp6"].flatMap((protocol) =>
    read(`/proc/${pid}/net/${protocol}`)
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .flatMap(([, local = "", remote = "", state, , , , , , inode = ""]) => {
        const [hex = "", port = ""] = local.split(":");
        // A UDP socket does not listen; one that is bound and has no peer takes from everybody.
        const listens = protocol.startsWith("tcp") ? state === "0A" : /^0+:0000$/.test(remote);
        return listens && open.has(`socket:[${inode}]`)
          ? [{ protocol, address: fromHostOrder(hex), port: Number.parseInt(port, 16), inode }]
          : [];
      }),
  );
}

/** As the kernel's tables have it: words of 32 bits in the byte order of the machine. */
function fromHostOrder(hex: string): string {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.map((word) => Buffer.from([...Buffer.from(word, "hex")].toReversed()).toString("hex"));
  if (bytes.length > 1) return fromBigEndian(bytes.join(""));
  return [...Buffer.from(bytes[0] ?? "", "hex")].join(".");
}

function fromBigEndian(hex: string): string {
  const mapped = /^0{20}f{4}(.{8})$/i.exec(hex)?.[1];
  if (mapped !== undefined) return `::ffff:${[...Buffer.from(mapped, "hex")].join(".")}`;
  const groups = (hex.match(/.{4}/g) ?? []).map((group) => Number.parseInt(group, 16).toString(16)).join(":");
  return groups.replace(/^(?:0:){7}/, "::").replace(/^::0$/, "::");
}

function openFiles(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((descriptor) => link(`/proc/${pid}/fd/${descriptor}`));
  } catch {
    // The process has ended since it was listed.
    return [];
  }
}

function commandOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`).split("\0").slice(0, 3).join(" ").trim();
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
