import { openSandboxStack } from "../engine/sandbox-stack.ts";
import { loadEndpoints } from "../machine/endpoints.ts";
import { buildTools } from "../machine/tools/go-tools.ts";
import type { Report } from "./progress.ts";
import { terminalOutput, withProgress } from "./terminal.ts";

export interface PreviewOptions {
  stateDir: string;
  /** Whether every changed property is shown, and not only what changes. */
  diff: boolean;
  report: Report;
}

/** Shows what `up` would change. Needs nothing running: neither cluster nor registry nor BuildKit. */
export async function preview(options: PreviewOptions): Promise<void> {
  const { stateDir, diff, report } = options;
  const { pulumi, "argocd-files": argoCdFiles } = await buildTools(["pulumi", "argocd-files"], report);
  await using open = await openSandboxStack({
    stateDir,
    pulumi,
    argoCdFiles,
    endpoints: loadEndpoints(stateDir),
    report,
  });
  await withProgress(report, "Pulumi: previewing the stack", (watch) =>
    open.stack.preview({ ...watch, ...terminalOutput(), diff }),
  );
}
