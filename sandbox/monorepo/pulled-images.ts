import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { availableParallelism } from "node:os";
import { baseServices } from "../../cli/affected/base-images.ts";
import { dockerfileSources } from "../../cli/affected/dockerfile.ts";
import type { Monorepo } from "../../cli/project/monorepo.ts";
import { temporaryDirectory } from "../../core/atomic-file.ts";
import { runProcess } from "../../core/process.ts";
import type { StackSettings } from "../../stacks/schema.ts";

/** Image → who needs it: services are built of it, dependencies run it. */
export type NeededImages = ReadonlyMap<string, NeededBy>;

interface NeededBy {
  readonly services: readonly string[];
  readonly dependencies: readonly string[];
}

/** The images that come from elsewhere: what Dockerfiles begin with or copy from, their frontends, and dependencies. */
export function neededImages(monorepo: Monorepo, dependencies: StackSettings["dependencies"]): NeededImages {
  const own = baseServices(monorepo);
  const uses = [
    ...monorepo.services.flatMap(({ name, dockerfile, target, buildArgs }) => {
      const text = existsSync(dockerfile) ? readFileSync(dockerfile, "utf8") : "";
      const bases = new Set((own.get(name) ?? []).map(({ image }) => image));
      const [, frontend] = /^#\s*syntax\s*=\s*(\S+)/im.exec(text.split(/^[^#\s]/m, 1)[0] ?? "") ?? [];
      const images = [
        ...dockerfileSources(text, { target, buildArgs }).images,
        ...(frontend === undefined ? [] : [frontend]),
      ];
      return [...new Set(images)].filter((image) => !bases.has(image)).map((image) => ({ image, service: name }));
    }),
    ...Object.entries(dependencies).flatMap(([dependency, settings]) =>
      typeof settings === "object" && "image" in settings ? [{ image: settings.image, dependency }] : [],
    ),
  ];
  return new Map(
    [...Map.groupBy(uses, ({ image }) => image)].map(([image, of]) => [
      image,
      {
        services: of.flatMap((use) => ("service" in use ? [use.service] : [])),
        dependencies: of.flatMap((use) => ("dependency" in use ? [use.dependency] : [])),
      },
    ]),
  );
}

/** The services or dependencies that lack an image, and the sentence that says which. */
export function unavailableFor(
  what: keyof NeededBy,
  unavailable: ReadonlyMap<string, string>,
  needed: NeededImages,
): ReadonlyMap<string, string> {
  return new Map(
    [...unavailable.keys()].flatMap((image) =>
      (needed.get(image)?.[what] ?? []).map((name) => [name, `${image} cannot be pulled`] as const),
    ),
  );
}

interface BuildKitClient {
  readonly address: string;
  readonly buildctl: string;
}

const longestSeconds = 60;

/**
 * Those of the images that BuildKit cannot find anywhere, and its reason. It is asked as a build would: the same mirrors,
 * proxies and logins count. Nothing but manifests is loaded.
 */
export async function unavailableImages(
  images: readonly string[],
  buildKit: BuildKitClient,
): Promise<ReadonlyMap<string, string>> {
  const waiting = images.values();
  const found = new Map<string, string>();
  const worker = async (): Promise<void> => {
    for (const image of waiting) {
      const reason = await pullProblem(image, buildKit);
      if (reason !== undefined) found.set(image, reason);
    }
  };
  await Promise.all(Array.from({ length: 2 * availableParallelism() }, worker));
  return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

async function pullProblem(image: string, { address, buildctl }: BuildKitClient): Promise<string | undefined> {
  using directory = temporaryDirectory("delivery-pull-");
  writeFileSync(join(directory.path, "Dockerfile"), `FROM ${image}\n`);
  const local = ["context", "dockerfile"].map((name) => `--local=${name}=${directory.path}`);
  const args = ["--addr", address, "build", "--progress=plain", "--frontend=dockerfile.v0", ...local];
  const { code, stderr, timedOut } = await runProcess(buildctl, args, { timeoutSeconds: longestSeconds });
  if (code === 0) return undefined;
  if (timedOut) return `no answer within ${longestSeconds} s`;
  return pullReason(stderr.toString());
}

/** Of BuildKit's chain of messages, the last part says why: `… dial tcp: lookup registry-1.docker.io: no such host`. */
export function pullReason(output: string): string {
  const last =
    output
      .trimEnd()
      .split("\n")
      .findLast((line) => line.startsWith("error: ")) ?? output.trimEnd();
  const plain = last.replace(/^error: (failed to solve: )?/, "");
  return plain
    .replace(/^.*failed to resolve source metadata for \S+: /, "")
    .replace(/^.*failed to do request: (Head|Get) "[^"]*": /, "");
}
