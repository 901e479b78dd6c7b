import * as pulumi from "@pulumi/pulumi";
import type { Identity } from "../../git/committer.ts";
import { signingInputs, type SigningArgs } from "./signing-inputs.ts";
import { providerSource } from "../dynamic-provider.ts";

export interface InitialReleasesArgs {
  /** The deploy repository. */
  repository: string;
  branch: string;
  /** Who makes the commits. @default `delivery` */
  committer?: Identity | undefined;
  /** Whose signed commits count, and the private key. @default commits are not signed */
  signing?: SigningArgs | undefined;
  /** The environment's directory in it. */
  directory: string;
  /** The first image of each service with migrations, by digest. */
  images: Readonly<Record<string, pulumi.Input<string>>>;
}

/**
 * Has the migrations of the first images run, by a commit to the deploy repository: those that this program has built itself.
 * Where a service has a release already, it does nothing: whoever releases has the migrations run.
 */
export class InitialMigrations extends pulumi.CustomResource {
  constructor(name: string, args: InitialReleasesArgs, opts?: pulumi.CustomResourceOptions) {
    super("pulumi-nodejs:dynamic/delivery:InitialMigrations", name, inputsOf(args, "initialMigrationsProvider"), opts);
  }
}

/** Releases those images, by another commit. It must depend on what waits for the migrations. */
export class InitialReleases extends pulumi.CustomResource {
  constructor(name: string, args: InitialReleasesArgs, opts?: pulumi.CustomResourceOptions) {
    super("pulumi-nodejs:dynamic/delivery:InitialReleases", name, inputsOf(args, "initialReleasesProvider"), opts);
  }
}

function inputsOf(
  { repository, branch, committer, signing, directory, images }: InitialReleasesArgs,
  provider: string,
) {
  return {
    repository,
    branch,
    ...(committer === undefined ? {} : { committer }),
    ...signingInputs(signing),
    directory,
    images,
    stack: `${pulumi.getProject()}/${pulumi.getStack()}`,
    unreleased: undefined,
    __provider: providerSource("initial-releases-provider.ts", provider, [
      "check",
      "diff",
      "create",
      "update",
      "delete",
    ]),
  };
}
