import { existsSync } from "node:fs";

/** As CircleCI runs a step: it fails with the first line, and the first part of a pipe, that does. */
export function shellProcess(script: string): { readonly command: string; readonly args: readonly string[] } {
  const command = existsSync("/bin/bash") ? "/bin/bash" : "/bin/sh";
  return { command, args: ["-eo", "pipefail", "-c", script] };
}

/** A text as one word of a shell's command line, whatever is in it. */
export function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
