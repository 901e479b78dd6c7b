import { posix } from "node:path";
import type { Service } from "../../../components/service/service.ts";
import { pathFrom } from "../../../cli/affected/source-tree.ts";
import { canaryService } from "../../machine/proof.ts";
import type { FileEdit } from "./developer-clone.ts";

/** What a developer changes of one service. */
export interface Edit extends FileEdit {
  readonly service: string;
  readonly subject: string;
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

const gatewayDirectory = "examples/delinkcious/svc/api_gateway_service";
const overview = `${gatewayDirectory}/overview.go`;

/** What a request takes it never gives back. */
const slips: readonly (readonly [before: string, after: string])[] = [
  [
    "const overviewTimeout = time.Second\n",
    "const overviewTimeout = time.Second\n\n// At most so many overviews are made at a time.\nvar overviews = make(chan struct{}, 40)\n",
  ],
  [
    "\tdefer cancel()\n",
    `\tdefer cancel()
	select {
	case overviews <- struct{}{}:
	default:
		return web.Reply{}, web.Fail(http.StatusServiceUnavailable, "too many overviews at a time")
	}
`,
  ],
];

const withoutSlips = (content: string): string =>
  slips.reduce((code, [before, after]) => code.replace(after, before), content);

/** Its pods start, are ready and answer; after some requests they answer with errors, and stay ready. No test asks so often. */
export const badEdit = {
  service: canaryService,
  file: overview,
  subject: "api-gateway: at most 40 overviews at a time",
  edits: [
    // Each time it is another program, which was not taken back before.
    { file: `${gatewayDirectory}/main.go`, change: nextVersion },
    {
      file: overview,
      // A demo that was broken off may have left them there.
      change: (content) => slips.reduce((code, [before, after]) => code.replace(before, after), withoutSlips(content)),
    },
  ],
  undo: [{ file: overview, change: withoutSlips }],
} as const satisfies {
  readonly service: string;
  readonly file: string;
  readonly subject: string;
  readonly edits: readonly FileEdit[];
  readonly undo: readonly FileEdit[];
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
