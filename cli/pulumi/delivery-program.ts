import * as pulumi from "@pulumi/pulumi";
import * as runtimeConfig from "@pulumi/pulumi/runtime/config.js";

/** Is told the values of the secret settings. */
export type ConfigListener = (secrets: readonly string[]) => void;

// Only the SDK's type declarations leave the function out.
const { isConfigSecret } = runtimeConfig as typeof runtimeConfig & { isConfigSecret: (key: string) => boolean };

/** The program as the Pulumi CLI would run it. The query makes Node load it anew for every run. */
export async function runProgram(onConfig: ConfigListener | undefined): Promise<Record<string, unknown>> {
  onConfig?.(
    Object.entries(pulumi.runtime.allConfig())
      .filter(([key]) => isConfigSecret(key))
      .map(([, value]) => value),
  );
  const outputs: Record<string, unknown> = await import(`../../index.ts?run=${process.hrtime.bigint()}`);
  return { ...outputs };
}
