import { quoteForShell } from "../../core/shell.ts";

/** A step of a job, whichever engine runs it. */
export type JobStep =
  /** Checks the source out, with its submodules. */
  | { readonly kind: "checkout" }
  /** Checks the source out, and makes `delivery` a command of all later steps. */
  | { readonly kind: "prepare" }
  /** Makes `pulumi` a command of all later steps. */
  | { readonly kind: "pulumi" }
  /** Makes it possible to build images. What is pushed takes nothing that another branch could have left on the builder. */
  | { readonly kind: "image-builder"; readonly pushes: boolean }
  | RunStep
  /** Takes over what the jobs before have handed over, below `handOver`. */
  | { readonly kind: "take-over" }
  /** Hands a file over to later jobs. @see handOver */
  | { readonly kind: "hand-over"; readonly path: string }
  /** Tells job `delivery` that this job has succeeded. */
  | { readonly kind: "report"; readonly job: string }
  /** Steps for jobs in which one of the texts is not empty, which an engine may find out only when it runs. */
  | { readonly kind: "when"; readonly any: readonly string[]; readonly steps: readonly JobStep[] };

/** A script for `bash -eo pipefail` in the root of the checkout. */
export interface RunStep {
  readonly kind: "run";
  readonly name: string;
  readonly command: string;
  /** How long it may say nothing, in minutes. @default as the engine has it */
  readonly quietMinutes?: number;
  /** Whether it may be run again when it fails, since it only fetches what others serve. @default false */
  readonly repeatable?: true;
  /** The directory where it leaves what tests have come to, as JUnit's XML, for engines that show that. @default none */
  readonly testResults?: string;
}

export function run(name: string, command: string, more: Omit<RunStep, "kind" | "name" | "command"> = {}): RunStep {
  return { kind: "run", name, command, ...more };
}

/** @param any texts of which none is empty unless a job has nothing of the kind */
export function when(any: readonly string[], steps: readonly JobStep[]): JobStep[] {
  const given = any.filter((text) => text !== "");
  return given.length === 0 ? [] : [{ kind: "when", any: given, steps }];
}

/** Engines start service containers with the job, and do not wait until they serve. */
export function waitForPorts(ports: string): RunStep {
  return run(
    "Wait for the service containers",
    `for port in ${ports}; do
  timeout 60 bash -c "until (echo >/dev/tcp/localhost/$port) 2>/dev/null; do sleep 0.1; done" || {
    echo "Nothing serves at localhost:$port"
    exit 1
  }
done`,
  );
}

/** A path as one word of a shell, in quotes only where it needs them. */
export function word(path: string): string {
  return /^[\w./@%+,-]+$/.test(path) ? path : quoteForShell(path);
}
