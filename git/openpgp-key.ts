import { createHash } from "node:crypto";

/** What a block of an OpenPGP public key says of itself. */
export interface OpenPgpKey {
  /** 40 hexadecimal digits in upper case. */
  readonly fingerprint: string;
}

/**
 * Reads which key an armoured block has, without asking GnuPG: a preview knows it on a machine that has none. Whether the key is
 * any good, GnuPG says when it is used. Source: RFC 4880, sections 4.2, 6.2 and 12.2
 * @returns `problem` completes "the key …"
 */
export function parseOpenPgpKey(text: string): OpenPgpKey | { problem: string } {
  const [, armour] =
    /^-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n((?:[^\r\n]+\r?\n)*)-----END PGP PUBLIC KEY BLOCK-----\s*$/.exec(
      text
        .trim()
        .replaceAll(/^(Version|Comment|Hash|Charset): .*\r?\n/gm, "")
        .replaceAll(/\n\s*\n/g, "\n"),
    ) ?? [];
  if (armour === undefined) return { problem: "is no armoured block as `gpg --armor --export` prints it" };
  const lines = armour.split(/\r?\n/).filter((line) => line !== "" && !/^=[A-Za-z0-9+/]{4}$/.test(line));
  const packets = readPackets(Buffer.from(lines.join(""), "base64"));
  const primary = packets?.filter(({ tag }) => tag === publicKeyTag) ?? [];
  const [key] = primary;
  if (packets === undefined || key === undefined || packets[0] !== key) return { problem: "is cut off or damaged" };
  if (primary.length > 1)
    return { problem: `is ${primary.length} keys in one block; write each under a name of its own` };
  if (key.body[0] !== 4) return { problem: `is of version ${key.body[0]}; Argo CD and GnuPG 2.2 know version 4` };
  const length = Buffer.alloc(2);
  length.writeUInt16BE(key.body.length);
  const hash = createHash("sha1").update(Buffer.concat([Buffer.from([0x99]), length, key.body]));
  return { fingerprint: hash.digest("hex").toUpperCase() };
}

const publicKeyTag = 6;

interface Packet {
  readonly tag: number;
  readonly body: Buffer;
}

/** @returns `undefined` for what is not made of whole packets */
function readPackets(bytes: Buffer): Packet[] | undefined {
  const packets: Packet[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const header = readHeader(rest);
    if (header === undefined || rest.length < header.size + header.length) return undefined;
    packets.push({ tag: header.tag, body: rest.subarray(header.size, header.size + header.length) });
    rest = rest.subarray(header.size + header.length);
  }
  return packets;
}

function readHeader(bytes: Buffer): { tag: number; size: number; length: number } | undefined {
  const [first = 0, second = 0, third = 0] = bytes;
  if ((first & 0x80) === 0) return undefined;
  if ((first & 0x40) !== 0) {
    const tag = first & 0x3f;
    if (second < 192) return { tag, size: 2, length: second };
    if (second < 224) return { tag, size: 3, length: ((second - 192) << 8) + third + 192 };
    return second === 255 && bytes.length >= 6 ? { tag, size: 6, length: bytes.readUInt32BE(2) } : undefined;
  }
  const octets = [1, 2, 4][first & 3];
  if (octets === undefined || bytes.length < 1 + octets) return undefined;
  return { tag: (first >> 2) & 0xf, size: 1 + octets, length: bytes.readUIntBE(1, octets) };
}
