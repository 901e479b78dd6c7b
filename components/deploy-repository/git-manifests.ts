import * as pulumi from "@pulumi/pulumi";
import type { Identity } from "../../git/committer.ts";
import { signingInputs, type SigningArgs } from "./signing-inputs.ts";
import { providerSource } from "../dynamic-provider.ts";

export interface GitManifestsArgs {
  /** The deploy repository, e.g. `https://github.com/acme/deploy.git`; a credential in it is refused. */
  repository: pulumi.Input<string>;
  branch: pulumi.Input<string>;
  /** Who makes the commits; Git's variables go first. @default `delivery` */
  committer?: Identity | undefined;
  /** Whose signed commits count, and the private key. @default commits are not signed */
  signing?: SigningArgs | undefined;
  /** The environment's own directory in it, e.g. `dev`; every path below lies in it. */
  directory: string;
  /** The manifests: path from the root of the repository → content. A secret is refused. */
  files: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /**
   * The release records as they are before the first release. Each is created if it is not there, and then belongs to the
   * release commands. They do not move along to another repository or branch: release there first, with `--new`.
   */
  records: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** The first line of the commit. @default `deploy(<directory>): manifests` */
  message?: string;
}

/**
 * One environment's manifests in the deploy repository. Every change is one commit on top of the branch; files of others
 * and the history stay as they are. Credentials come from the user's Git (SSH keys, credential helpers) or from the
 * environment variable `DELIVERY_GIT_TOKEN`, never from the state.
 */
export class GitManifests extends pulumi.CustomResource {
  /** The last commit made for this environment's manifests. */
  declare readonly commit: pulumi.Output<string>;

  constructor(name: string, args: GitManifestsArgs, opts?: pulumi.CustomResourceOptions) {
    const inputs = {
      repository: args.repository,
      branch: args.branch,
      ...(args.committer === undefined ? {} : { committer: args.committer }),
      ...signingInputs(args.signing),
      directory: args.directory,
      files: withoutSecrets("files", args.files),
      records: withoutSecrets("records", args.records),
      message: args.message ?? `deploy(${args.directory}): manifests`,
      stack: `${pulumi.getProject()}/${pulumi.getStack()}`,
      commit: undefined,
      __provider: provider,
    };
    super("pulumi-nodejs:dynamic/delivery:GitManifests", name, inputs, opts);
  }
}

const provider = providerSource("git-manifests-provider.ts", "gitManifestsProvider", [
  "check",
  "diff",
  "create",
  "read",
  "update",
  "delete",
]);

/** A secret in Git is no secret any more. */
function withoutSecrets(name: string, contents: GitManifestsArgs["files"]): pulumi.Output<Record<string, string>> {
  const output = pulumi.output(contents);
  const checked = pulumi.isSecret(output).then((secret) => {
    if (secret)
      throw new pulumi.RunError(
        `GitManifests: ${name} hold a secret, which Git would show to everyone who can read the repository; pass it to the pods by a Secret`,
      );
    return output;
  });
  return pulumi.output(checked);
}
