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
