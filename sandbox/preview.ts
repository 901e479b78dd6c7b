import { withProblems } from "./engine-failure.ts";
import { argoCdChart } from "./argocd/chart.ts";
import { openSandboxStack } from "./stack.ts";
import { terminalOutput } from "./terminal.ts";
import { loadTargets } from "./targets.ts";
import { buildTools } from "./tools/build.ts";

export interface PreviewOptions {
  stateDir: string;
  /** Whether every changed property is shown, and not only what changes. */
  diff: boolean;
  report: (line: string) => void;
}

/** Shows what `up` would change. Needs nothing running: neither cluster nor registry nor BuildKit. */
export async function preview(options: PreviewOptions): Promise<void> {
  const { stateDir, diff, report } = options;
  const { pulumi, "argocd-files": argoCdFiles } = await buildTools(["pulumi", "argocd-files"], report);
  await using open = await openSandboxStack({
    stateDir,
    pulumi,
    charts: argoCdChart(argoCdFiles),
    targets: loadTargets(stateDir),
    report,
  });
  await withProblems((watch) =>
    open.stack.preview({
      ...watch,
      ...terminalOutput(),
      diff,
    }),
  );
}
