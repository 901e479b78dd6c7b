import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Keeps the engine from its log. It writes one of every command, encrypted, with all properties of all resources, for `pulumi logs`: that
 * takes a third of its processor time, and there is no setting against it. It goes on without one where it cannot make the folder, so a
 * file has the folder's name.
 * Source: https://github.com/pulumi/pulumi/blob/v3.258.0/pkg/logging/encrypted.go
 *
 * @param home the engine's own, as PULUMI_HOME says; logs that an earlier version of this program has let it write stay, and go on
 */
export function preventEngineLog(home: string): void {
  const logs = join(home, "logs");
  mkdirSync(home, { recursive: true, mode: 0o700 });
  if (statSync(logs, { throwIfNoEntry: false }) === undefined) writeFileSync(logs, "");
}
