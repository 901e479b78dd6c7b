import { quoteForShell } from "../../core/shell.ts";
import type { Batch } from "./batches.ts";
import type { Pipeline } from "./pipeline.ts";
import { handOver, programEntries } from "./program-layout.ts";
import { run, word, type RunStep } from "./steps.ts";

/** Packs what is not as in the commit. Git knows nothing of what is in a submodule, but there is another Git in it. */
export const pack = (archive: string): string => `mkdir -p ${handOver}/prepared
changed() { git ls-files -z --others; git diff -z --name-only --diff-filter=d --ignore-submodules=all HEAD; }
in_context() { while IFS= read -r -d "" file; do case "$1$file" in "$CONTEXT"*) printf '%s\\0' "$1$file";; esac; done; }
changed | in_context "" >${handOver}/files
git submodule --quiet foreach --recursive 'echo "$displaypath"' | while IFS= read -r module; do
  (cd "$module" && changed) | in_context "$module/" >>${handOver}/files
done
echo "$(tr -cd '\\0' <${handOver}/files | wc -c) files and directories"
tar --create --file=${handOver}/prepared/${archive}.tar --null --files-from=${handOver}/files`;

/**
 * Puts the files where the commands have made them. An archive may hold anything: what has run in its job comes from others, and
 * this job goes on with credentials. So it is unpacked elsewhere, which makes every name in it a plain one, without `./`, links
 * on the way or a way out; and only what is below the monorepo is taken, nothing of this program, nor of Git.
 */
export function unpackStep({ layout: { program }, appDirectory }: Pipeline, prepared: string): RunStep {
  const ofProgram = program !== "." ? [program] : appDirectory === "." ? programEntries : ["node_modules"];
  const exclusions = [
    "--no-wildcards",
    "--exclude=.git",
    "--anchored",
    ...ofProgram.filter((path) => !path.startsWith("../")).map((path) => `--exclude=${word(`./${path}`)}`),
  ];
  const taken = appDirectory === "." ? "." : word(`./${appDirectory}`);
  return run(
    "Take over what was made for the image",
    `for archive in ${prepared}; do
  directory=$(mktemp -d)
  tar --extract --no-same-owner --directory="$directory" --file=${handOver}/prepared/$archive.tar
  mkdir -p "$directory"/${taken}
  tar --create --directory="$directory" ${exclusions.join(" ")} ${taken} |
    tar --extract --no-same-owner --no-overwrite-dir
done`,
  );
}

/** What the job is told of services that share it. Of several, all that is made is handed over. */
export function prepareParameters(
  { name, services }: Batch,
  { appDirectory }: Pick<Pipeline, "appDirectory">,
): Record<"archive" | "within" | "command", string> {
  const prepared = services.flatMap(({ name: service, prepare }) => (prepare ? [{ service, ...prepare }] : []));
  const [only, ...others] = prepared;
  const context = [appDirectory, others.length > 0 ? "." : (only?.context ?? ".")].filter((path) => path !== ".");
  const commands = prepared.map(
    ({ service, directory, command }) =>
      `export SERVICE=${service} SERVICE_DIRECTORY=${/^[\w./-]+$/.test(directory) ? directory : quoteForShell(directory)}\n${command}`,
  );
  return {
    archive: name,
    within: context.map((path) => `${path}/`).join(""),
    command: others.length === 0 ? commands.join("") : commands.map((text) => `(\n${text}\n)`).join("\n"),
  };
}
