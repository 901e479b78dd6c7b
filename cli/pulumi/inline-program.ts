import { setImmediate } from "node:timers/promises";
import type * as grpc from "@grpc/grpc-js";
import type language from "@pulumi/pulumi/proto/language_pb.js";
import * as sdkErrors from "@pulumi/pulumi/errors.js";
import { RunError } from "@pulumi/pulumi/errors.js";
import * as server from "@pulumi/pulumi/automation/server.js";
import * as settings from "@pulumi/pulumi/runtime/settings.js";
import * as state from "@pulumi/pulumi/runtime/state.js";

type Program = () => Promise<Record<string, unknown> | void>;
type Answer = grpc.sendUnaryData<language.RunResponse>;

/** The part of the SDK that runs a program in this process when the engine asks for it. */
interface LanguageServer {
  readonly program: Program;
  run: (this: LanguageServer, call: { request: language.RunRequest }, answer: Answer) => Promise<void>;
}

// Only the SDK's type declarations leave these out.
const sdk = { ...server, ...settings, ...state, ...sdkErrors } as unknown as {
  readonly LanguageServer: { readonly prototype: LanguageServer };
  readonly getStore: () => { readonly terminated: boolean };
  readonly waitForRPCs: () => Promise<void>;
  readonly isGrpcError: (error: unknown) => boolean;
};

const guarded = new WeakSet<LanguageServer>();

const lostEngine =
  "the program lost its connection to the engine before everything was declared, so nothing was deleted; run the same again";

/**
 * Makes the engine believe a program that runs in this process only when it has come to its end. The SDK keeps calls that did
 * not reach the engine to itself, since most are lost to an engine that is already failing. Where the engine is well, it
 * would take what it was not told for what is no longer declared, and delete it.
 */
export function guardInlinePrograms(): void {
  const { prototype } = sdk.LanguageServer;
  if (guarded.has(prototype)) return;
  guarded.add(prototype);
  const { run } = prototype;
  prototype.run = function (call, answer) {
    return runToItsEnd(this.program, (program, checked) => run.call({ program, run }, call, checked), answer);
  };
}

async function runToItsEnd(
  program: Program,
  run: (program: Program, answer: Answer) => Promise<void>,
  answer: Answer,
): Promise<void> {
  const progress = { ended: false, answered: false };
  const whole = async (): ReturnType<Program> => {
    const store = sdk.getStore();
    const outputs = await program();
    // The SDK would wait for them, too, but the engine begins to delete as soon as it hears of the end.
    await sdk.waitForRPCs();
    if (store.terminated) throw new RunError(lostEngine);
    progress.ended = true;
    return outputs;
  };
  await run(whole, (error, response) => {
    // After an error the SDK answers once more.
    if (progress.answered) return;
    progress.answered = true;
    if (error !== null && error !== undefined) return answer(error);
    return progress.ended ? answer(null, response) : answer(new Error(lostEngine));
  });
  // The SDK stops listening for rejections in the moment in which a lost call becomes one.
  process.on("unhandledRejection", keepLostCalls);
  await setImmediate();
  process.off("unhandledRejection", keepLostCalls);
}

/** The answer tells of calls that were lost; as rejections that nobody handles they would end this process before it is sent. */
function keepLostCalls(error: unknown): void {
  if (!sdk.isGrpcError(error)) throw error;
}
