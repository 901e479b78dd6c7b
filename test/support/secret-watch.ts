import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Looks at the arguments of all processes of this machine until it is disposed of. */
export interface ArgumentWatch extends Disposable {
  /** The programs among whose arguments a secret has been seen. */
  readonly leaks: ReadonlySet<string>;
  /** How often it has looked. */
  readonly looks: number;
}

const pollMilliseconds = 25;
/** A process starts as a copy of its parent and then becomes what it is to be: it is looked at more than once. */
const readsPerProcess = 20;

export function watchArguments(secrets: readonly string[]): ArgumentWatch {
  const leaks = new Set<string>();
  const looked = new Map<string, number>();
  const counter = { looks: 0 };
  const timer = setInterval(() => {
    counter.looks += 1;
    for (const pid of readdirSync("/proc")) {
      const looks = looked.get(pid) ?? 0;
      if (looks >= readsPerProcess || !/^\d+$/.test(pid)) continue;
      looked.set(pid, looks + 1);
      const command = contentOf(`/proc/${pid}/cmdline`);
      if (secrets.some((secret) => command.includes(secret))) leaks.add(command.split("\0", 1)[0] ?? "");
    }
  }, pollMilliseconds);
  return {
    leaks,
    get looks() {
      return counter.looks;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** A secret in the forms in which it may show: as it is, and in base64 at any offset. */
export function formsOf(secret: string): string[] {
  const shifted = [0, 1, 2].map((offset) => {
    const encoded = Buffer.from(`${" ".repeat(offset)}${secret}`).toString("base64");
    // The first and last characters hold bits of the neighbours, too.
    return encoded.slice(offset === 0 ? 0 : 4, -4);
  });
  return [secret, ...shifted];
}

/** The files below a directory that contain one of the texts. */
export function filesWith(directory: string, texts: readonly string[]): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      const content = contentOf(path);
      return texts.some((text) => content.includes(text));
    });
}

/** Empty where it is gone since it was listed. */
function contentOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")) return "";
    throw error;
  }
}
