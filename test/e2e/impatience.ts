import * as pulumi from "@pulumi/pulumi";
import type { Variation } from "../integration/pipeline.ts";

/** Applications are waited for so many seconds, where users wait for minutes. */
export function impatient(seconds: number): Variation {
  const time = `${seconds}s`;
  return {
    prepare: () =>
      pulumi.runtime.registerStackTransformation(({ type, props, opts }) => {
        if (type !== "kubernetes:argoproj.io/v1alpha1:Application") return undefined;
        return { props, opts: { ...opts, customTimeouts: { create: time, update: time, delete: time } } };
      }),
  };
}
