import { openSandboxStack } from "../engine/sandbox-stack.ts";
import { loadEndpoints } from "../machine/endpoints.ts";
import { buildTools } from "../machine/tools/go-tools.ts";
import { terminalOutput, withProblems } from "./terminal.ts";

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
    argoCdFiles,
    endpoints: loadEndpoints(stateDir),
    report,
  });
  await withProblems((watch) => open.stack.preview({ ...watch, ...terminalOutput(), diff }));
}
