import * as pulumi from "@pulumi/pulumi";
import * as runtimeConfig from "@pulumi/pulumi/runtime/config.js";

/** What runs in the engine's run, before the program. */
export interface ProgramHooks {
  /** Is told the values of the secret settings, so that they can be kept out of what is printed. */
  readonly onConfig?: (secrets: readonly string[]) => void;
  /** For example registers transforms. */
  readonly prepare?: () => void;
}

// Only the SDK's type declarations leave the function out.
const { isConfigSecret } = runtimeConfig as typeof runtimeConfig & { isConfigSecret: (key: string) => boolean };

/** The program as the Pulumi CLI would run it. The query makes Node load it anew for every run. */
export async function runProgram({ onConfig, prepare }: ProgramHooks): Promise<Record<string, unknown>> {
  onConfig?.(
    Object.entries(pulumi.runtime.allConfig())
      .filter(([key]) => isConfigSecret(key))
      .map(([, value]) => value),
  );
  prepare?.();
  const outputs: Record<string, unknown> = await import(`../../index.ts?run=${process.hrtime.bigint()}`);
  return { ...outputs };
}
