import { posix } from "node:path";
import type { Service } from "../../../components/service/service.ts";
import { pathFrom } from "../../../cli/affected/source-tree.ts";

/** What a developer changes of one service. */
export interface Edit {
  readonly service: string;
  /** From the root of the source repository. */
  readonly file: string;
  readonly subject: string;
  readonly change: (content: string) => string;
}

/** What it edits in the example's code. */
const versionPattern = /"(\d+)\.(\d+)\.(\d+)"/;

/** `"1.0.9"` → `"1.0.10"`. */
export function nextVersion(content: string): string {
  return content.replace(versionPattern, (_, major, minor, patch) => `"${major}.${minor}.${Number(patch) + 1}"`);
}

/** The example says its version in its code. */
export const exampleEdit: Edit = {
  service: "link",
  file: "examples/delinkcious/svc/link_service/main.go",
  subject: "link: count the version up",
  change: nextVersion,
};

const ready = 'return service.Backing{Store: "memory"}';
const notForLong = `started := time.Now()
	return service.Backing{Store: "memory", Ready: func() error {
		if time.Since(started) > 10*time.Second {
			return context.DeadlineExceeded
		}
		return nil
	}}`;

/** Its pods start, are ready, and are no longer after ten seconds; no test sees that. */
export const badEdit: Edit & { readonly undo: Edit["change"] } = {
  service: exampleEdit.service,
  file: exampleEdit.file,
  subject: "link: find out whether the store is there",
  // Each time it is another program, which was not taken back before.
  change: (content) => nextVersion(content).replace(ready, notForLong),
  undo: (content) => content.replace(notForLong, ready),
};

/**
 * Of a service that is not ours, the code may say nothing that could be changed without harm, and a comment in it would make the
 * same image again. A label in its Dockerfile makes another one in every language.
 * @param prefix where the monorepo is in its repository: empty, or a path that ends with `/`
 */
export function labelEdit(
  { name, dockerfile, target }: Pick<Service, "name" | "dockerfile" | "target">,
  root: string,
  prefix: string,
): Edit {
  return {
    service: name,
    file: posix.join(prefix, pathFrom(root, dockerfile)),
    subject: `${name}: count its demo label up`,
    change: (content) => withNextLabel(content, target),
  };
}

const labelPattern = /^LABEL delivery\.demo="(\d+)"$/m;

/** @param target the stage that becomes the image. @default the last one */
export function withNextLabel(dockerfile: string, target: string | undefined): string {
  if (labelPattern.test(dockerfile))
    return dockerfile.replace(labelPattern, (_, count) => `LABEL delivery.demo="${Number(count) + 1}"`);
  const lines = dockerfile.replace(/\n*$/, "").split("\n");
  const stages = lines.flatMap((line, index) => (/^\s*FROM\s/i.test(line) ? [{ line, index }] : []));
  const chosen = stages.findIndex(({ line }) => target !== undefined && isNamed(line, target));
  // The next stage begins where this one ends.
  const end = chosen === -1 ? undefined : stages[chosen + 1]?.index;
  const at = end ?? lines.length;
  return [...lines.slice(0, at), `LABEL delivery.demo="1"`, ...lines.slice(at), ""].join("\n");
}

function isNamed(line: string, target: string): boolean {
  const [, name] = /\sAS\s+(\S+)\s*$/i.exec(line) ?? [];
  return name?.toLowerCase() === target.toLowerCase();
}
