import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { writeFileAtomically } from "../../core/atomic-file.ts";

/**
 * Writes a file that only its owner may read, all or nothing. One that has this content already is left alone: kube-proxy
 * ends when its configuration is written to, and a certificate would be loaded again.
 *
 * @returns the path
 */
export function writePrivate(path: string, content: string | Buffer): string {
  const bytes = Buffer.from(content);
  if (existsSync(path) && readFileSync(path).equals(bytes)) return path;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileAtomically(path, bytes, 0o600);
  return path;
}

/** Writes a state as JSON, all or nothing, which only its owner may read. */
export function writeStateFile(file: string, state: unknown): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileAtomically(file, `${JSON.stringify(state, undefined, 2)}\n`, 0o600);
}
