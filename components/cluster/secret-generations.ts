import * as pulumi from "@pulumi/pulumi";
import { providerSource } from "../dynamic-provider.ts";

export interface SecretGenerationsArgs {
  /** The environment variables of each Secret, by the service or dependency that has it. */
  values: Readonly<Record<string, Readonly<Record<string, pulumi.Output<string>>>>>;
}

/**
 * How often each Secret has changed, counted from 1. Pods that bear this number beside the reference to their Secret are started
 * anew when it rises. It says nothing of the values: those are compared with the ones in the state, where they are encrypted.
 */
export class SecretGenerations extends pulumi.CustomResource {
  /** By the service or dependency; a preview knows them already. */
  declare readonly generations: pulumi.Output<Readonly<Record<string, number>>>;

  constructor(name: string, { values }: SecretGenerationsArgs, opts?: pulumi.CustomResourceOptions) {
    const inputs = { values: pulumi.secret(values), generations: undefined, __provider: provider };
    super("pulumi-nodejs:dynamic/delivery:SecretGenerations", name, inputs, opts);
  }
}

const provider = providerSource("secret-generations-provider.ts", "secretGenerationsProvider", [
  "check",
  "diff",
  "create",
  "update",
]);
