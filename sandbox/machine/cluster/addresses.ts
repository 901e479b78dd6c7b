import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { writePrivate } from "../private-file.ts";

/** The /16 block of one sandbox and its parts. */
export interface ClusterAddresses {
  /** The host's end of the link to the node: API server, and whatever of the host pods may reach. */
  host: string;
  /** The node's end. */
  node: string;
  /** Length of the network prefix of that link. */
  linkPrefix: number;
  podRange: string;
  serviceRange: string;
  /** ClusterIP of the Service `kubernetes`: always the first of the range. */
  apiService: string;
}

/** Cuts the block 10.N.0.0/16 into link, pods and services. */
export function addressesOf(block: number): ClusterAddresses {
  return {
    host: `10.${block}.0.1`,
    node: `10.${block}.0.2`,
    linkPrefix: 30,
    podRange: `10.${block}.64.0/18`,
    serviceRange: `10.${block}.128.0/18`,
    apiService: `10.${block}.128.1`,
  };
}

/**
 * Chooses a block that no route and no address of the machine touches, and remembers it in `<stateDir>/addresses.json`:
 * Services keep their ClusterIPs over a restart.
 *
 * @param ownLink name of the sandbox's own network interface, whose routes do not count
 * @throws Error when all blocks are taken
 */
export function chooseAddresses(stateDir: string, ownLink: string): ClusterAddresses {
  const path = join(stateDir, "addresses.json");
  const remembered = existsSync(path) ? Number(/\d+/.exec(readFileSync(path, "utf8"))?.[0]) : undefined;
  const taken = takenNetworks(ownLink);
  const block = chooseBlock(taken, createHash("sha256").update(stateDir).digest().readUInt16BE(), remembered);
  writePrivate(path, `${JSON.stringify({ block })}\n`);
  return addressesOf(block);
}

/** First free N of 10.64.0.0/16 … 10.191.0.0/16, beginning at one that depends on the sandbox, so that two seldom collide. */
export function chooseBlock(taken: readonly Network[], seed: number, remembered?: number): number {
  const candidates = Array.from({ length: 128 }, (_, index) => 64 + ((seed + index) % 128));
  const preferred = remembered === undefined ? candidates : [remembered, ...candidates];
  const free = preferred.find((block) =>
    taken.every((network) => !overlaps(network, { address: toNumber(`10.${block}.0.0`), prefix: 16 })),
  );
  if (free === undefined)
    throw new Error(
      "No free network: 10.64.0.0/16 to 10.191.0.0/16 are all in use on this machine. Remove a route (see `ip route`).",
    );
  return free;
}

/** A network by its address as a number. */
export interface Network {
  address: number;
  prefix: number;
}

/** Reads "10.1.0.0/16" or a single address. */
export function parseNetwork(text: string): Network {
  const [address = "", prefix = "32"] = text.split("/");
  return { address: toNumber(address), prefix: Number(prefix) };
}

/** Whether two networks share an address. */
export function overlaps(a: Network, b: Network): boolean {
  const size = 2 ** (32 - Math.min(a.prefix, b.prefix));
  return Math.floor(a.address / size) === Math.floor(b.address / size);
}

function takenNetworks(ownLink: string): Network[] {
  const fromInterfaces = Object.entries(networkInterfaces()).flatMap(([name, entries]) =>
    name === ownLink
      ? []
      : (entries ?? []).flatMap((entry) => (entry.family === "IPv4" && entry.cidr ? [parseNetwork(entry.cidr)] : [])),
  );
  return [...fromInterfaces, ...routes(ownLink)];
}

/** Routes of the main table: interface, destination and mask in hexadecimal, in the byte order of the machine. */
function routes(ownLink: string): Network[] {
  return readFileSync("/proc/net/route", "utf8")
    .split("\n")
    .slice(1)
    .map((line) => line.split("\t"))
    .flatMap(([link, destination, , , , , , mask]) => {
      if (link === undefined || destination === undefined || mask === undefined || link === ownLink) return [];
      const prefix = Number.parseInt(mask, 16).toString(2).replaceAll("0", "").length;
      return prefix === 0 ? [] : [{ address: Buffer.from(destination, "hex").readUInt32LE(), prefix }];
    });
}

function toNumber(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}
