import { quoteForShell } from "../../core/shell.ts";
import { cloneProgram, fetchSubmodules, installDelivery, installPulumi } from "./installation.ts";
import type { ProgramLayout } from "./program-layout.ts";
import type { RunStep } from "./steps.ts";

/** What jobs have in common, as functions of bash: `checkout`, `prepare` and `pulumi`, each a step of the same kind. */
export function jobFunctions(layout: ProgramLayout): string {
  const functions = [
    ["checkout", fetchSubmodules(layout)],
    ["prepare", [...fetchSubmodules(layout), ...cloneProgram(layout), installDelivery(layout)]],
    ["pulumi", [installPulumi(layout)]],
  ] as const;
  return `step() {
  echo "── $1"
  cat >"$HOME/step.sh"
  bash -eo pipefail "$HOME/step.sh" </dev/null
}
${functions.map(([name, steps]) => `${name}() {\n${[":", ...steps.map(namedStep)].join("\n")}\n}`).join("\n")}`;
}

/** A step with its name, for where `jobFunctions` are known. */
export function namedStep({ name, command }: RunStep): string {
  return heredoc(`step ${quoteForShell(name)}`, "END_OF_STEP", [command]);
}

/** @param end what ends it, with as many underscores as no line of it has */
export function heredoc(command: string, end: string, content: readonly string[]): string {
  const text = content.join("\n");
  const ends = text.split("\n").includes(end) ? `${end}_` : end;
  if (ends !== end) return heredoc(command, ends, content);
  return `${command} <<'${end}'\n${text}\n${end}`;
}
