import * as pulumi from "@pulumi/pulumi";
import { providerSource } from "../dynamic-provider.ts";

export interface ImageHistoryArgs {
  /** The images that pods are to have, by whose pods they are. */
  images: Readonly<Record<string, readonly pulumi.Input<string>[]>>;
}

/**
 * The images that pods are to have, and behind them those that they had before: while a rollout lasts, or is stuck, the pods that
 * it takes away must be able to start again. What has been released through Git has its history there.
 */
export class ImageHistory extends pulumi.CustomResource {
  /** By whose pods they are; a preview knows it already. */
  declare readonly history: pulumi.Output<Readonly<Record<string, readonly string[]>>>;

  constructor(name: string, { images }: ImageHistoryArgs, opts?: pulumi.CustomResourceOptions) {
    const inputs = { images, history: undefined, __provider: provider };
    super("pulumi-nodejs:dynamic/delivery:ImageHistory", name, inputs, opts);
  }
}

const provider = providerSource("image-history-provider.ts", "imageHistoryProvider", [
  "check",
  "diff",
  "create",
  "update",
]);
