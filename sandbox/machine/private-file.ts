import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Writes a file that only its owner may read, as a whole or not at all. One that has this content already is left alone:
 * kube-proxy ends when its configuration is written to, and a certificate would be loaded anew.
 *
 * @returns the path
 */
export function writePrivate(path: string, content: string | Buffer): string {
  const bytes = Buffer.from(content);
  if (existsSync(path) && readFileSync(path).equals(bytes)) return path;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, bytes, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return path;
}

/** Writes a state as JSON. Readers see the old content or the new one, and only the owner may read either. */
export function writeStateFile(file: string, state: unknown): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, file);
}
