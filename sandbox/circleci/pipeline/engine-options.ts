import type { State } from "../state.ts";
import type { JobHost } from "./job-run.ts";
import type { GitHubAccess } from "./status-reports.ts";

export interface EngineOptions extends Omit<JobHost, "later" | "spares"> {
  /** The account as it is now. */
  account: () => State;
  /** @default nobody is told */
  github?: GitHubAccess | undefined;
  /** Where this server is reached. */
  origin: string;
  log: (line: string) => void;
  /** @default 4 */
  parallelJobs?: number | undefined;
}
