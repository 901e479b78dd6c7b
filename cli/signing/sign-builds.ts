import type { KeyObject } from "node:crypto";
import { errorMessage } from "../../core/error.ts";
import { isAmong, publicPart, readPrivateKey } from "../../core/image-key.ts";
import { imageKeyVariable } from "../../core/names.ts";
import type { StackSettings } from "../../stacks/schema.ts";
import type { BuiltImage } from "../build/build-images.ts";
import type { ImageBuild } from "../build/builders.ts";
import { CommandError, type CommandContext } from "../command.ts";
import type { Monorepo } from "../project/monorepo.ts";
import { artifactStore } from "../registry/artifacts.ts";
import type { RegistryOptions } from "../registry/session.ts";
import { imageSources } from "./image-sources.ts";
import { provenanceOf, type BuildRun } from "./provenance.ts";
import { sbomOf } from "./sbom.ts";
import { signImage } from "./sign-image.ts";

type Signing = NonNullable<StackSettings["images"]["signing"]>;

/**
 * The key of the environment with which builds sign what they push.
 * @param file the stack file, for messages
 * @throws CommandError where there is none, or nobody would believe it: before anything is built
 */
export function buildKey(
  { publicKeys }: Signing,
  file: string,
  { environment }: Pick<CommandContext, "environment">,
): KeyObject {
  const { [imageKeyVariable]: pem = "" } = environment;
  if (pem === "")
    throw new CommandError(
      `${imageKeyVariable} is not set, and ${file} says that images are signed (images.signing); CI has it in the context of builds from the stack with owns.ciProject: run \`pulumi up\` there, or give --unsigned; nothing is built`,
    );
  const read = readPrivateKey(pem);
  if ("problem" in read) throw new CommandError(`${imageKeyVariable} ${read.problem}; nothing is built`);
  if (isAmong(publicKeys, read.key)) return read.key;
  throw new CommandError(
    `${imageKeyVariable} is the key to none of images.signing.publicKeys of ${file}, so that nobody would believe what it signs: add its public key there, which is ${publicPart(read.key).export({ type: "spki", format: "pem" }).toString().split("\n")[1]}…; nothing is built`,
  );
}

interface SignBuildsArgs {
  readonly monorepo: Monorepo;
  readonly key: KeyObject;
  readonly commit: string;
  /** What the builders were asked for. */
  readonly builds: readonly ImageBuild[];
  readonly run: BuildRun;
  readonly registry: RegistryOptions;
  readonly note: (line: string) => void;
}

/** Signs what was pushed. @throws CommandError with all that could not be signed */
export async function signBuilds(images: readonly BuiltImage[], args: SignBuildsArgs): Promise<void> {
  const pushed = images.flatMap(({ digest, ...image }) => (digest === null ? [] : [{ ...image, digest }]));
  if (pushed.length === 0) return;
  const sources = imageSources(args.monorepo, new Set(pushed.map(({ service }) => service)));
  const outcomes = await Promise.allSettled(
    pushed.map(async ({ service, repository, digest, tags }) => {
      const ofService = sources.get(service);
      const build = args.builds.find((each) => each.service === service);
      if (ofService === undefined || build === undefined)
        throw new CommandError(`${service}: nothing is known of its sources`);
      const image = { digest, repository, commit: args.commit, tags };
      const start = performance.now();
      const count = await signImage(artifactStore(repository, args.registry), image, args.key, (claim) => ({
        signature: {},
        SBOM: sbomOf(claim, ofService),
        provenance: provenanceOf(claim, ofService, build, args.run),
      }));
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      args.note(
        `${service} | ${count === 0 ? "is signed already" : `signed, with SBOM and provenance (${seconds} s)`}`,
      );
    }),
  );
  const failures = outcomes.flatMap((outcome, index) =>
    outcome.status === "rejected"
      ? [`${pushed[index]?.service ?? ""} is pushed, and not signed: ${errorMessage(outcome.reason)}`]
      : [],
  );
  if (failures.length > 0) throw new CommandError(failures.join("\n       "));
}
