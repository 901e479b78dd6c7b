import { goBuilds, type GoBuild } from "./dockerfile-go-builds.ts";
import { instructions } from "./dockerfile-lines.ts";
import { readStages } from "./dockerfile-stages.ts";

/** What a Dockerfile takes from its build context. */
export interface DockerfileSources {
  /** Paths and globs, relative to the context; `.` is all of it. What one stage has from another counts as what it was there. */
  readonly copied: readonly string[];
  readonly goBuilds: readonly GoBuild[];
}

export function dockerfileSources(text: string): DockerfileSources {
  const { copied, runs } = readStages(instructions(text));
  return { copied, goBuilds: runs.flatMap(goBuilds) };
}
