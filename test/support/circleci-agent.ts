import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A command `circleci` that notes what it is told, and refuses what has a text in it. */
export interface CircleCiAgent {
  /** A directory for a PATH. */
  readonly directory: string;
  /** What it was told since the last time, a command each. */
  readonly told: () => string[];
}

/** @param folder where its files are @param refused what it does not take. @default it takes all */
export function circleCiAgent(folder: string, refused = "-none-"): CircleCiAgent {
  const directory = join(folder, "agent");
  const notes = join(folder, "agent-notes");
  mkdirSync(directory, { recursive: true });
  writeFileSync(notes, "");
  const script = `#!/bin/sh
case "$*" in *${refused}*) echo "Error: not today" >&2; exit 1 ;; esac
echo "$*" >>'${notes}'
`;
  writeFileSync(join(directory, "circleci"), script);
  chmodSync(join(directory, "circleci"), 0o755);
  return {
    directory,
    told: () => {
      const lines = readFileSync(notes, "utf8").split("\n").slice(0, -1);
      writeFileSync(notes, "");
      return lines;
    },
  };
}
