/** What a line of a comment asks for. */
export type ChatCommand =
  | { readonly kind: "retest"; readonly service: string | undefined }
  | { readonly kind: "preview" | "hold" | "unhold" }
  | { readonly kind: "promote"; readonly environment: string }
  | { readonly kind: "rollback"; readonly environment: string; readonly service: string }
  | { readonly kind: "approve"; readonly commit: string | undefined }
  | { readonly kind: "ok-to-test"; readonly commit: string };

/** A line that begins with `/delivery`. */
export interface ChatLine {
  readonly text: string;
  /** What it asks for; `undefined`: it cannot be understood, and `problem` says why. */
  readonly command?: ChatCommand;
  readonly problem?: string;
}

/** How each command is written. */
const usage: Readonly<Record<ChatCommand["kind"], string>> = {
  retest: "retest [SERVICE]",
  preview: "preview",
  promote: "promote ENVIRONMENT",
  rollback: "rollback ENVIRONMENT SERVICE",
  hold: "hold",
  unhold: "unhold",
  approve: "approve [COMMIT]",
  "ok-to-test": "ok-to-test COMMIT",
};

/** More than that in one comment is no conversation. */
const mostLines = 5;

/**
 * The commands of a comment: lines that begin with `/delivery`. What readers do not see as such is none: quotes, blocks of code,
 * and what Markdown hides.
 */
export function chatLines(body: string): readonly ChatLine[] {
  const shown = body
    .replaceAll("\r\n", "\n")
    .replaceAll(/<!--.*?(-->|$)/gs, "")
    .replaceAll(/^ {0,3}(([`~])\2{2,})[^\n]*\n.*?(^ {0,3}\1\2*[ \t]*$|(?![^]))/gms, "");
  const lines = shown.split("\n").filter((line) => /^\/delivery(\s|$)/.test(line));
  return lines.slice(0, mostLines).map((line) => parseLine(line.trim()));
}

function parseLine(text: string): ChatLine {
  const [, kind = "", ...words] = text.split(/\s+/);
  const read = Object.hasOwn(readers, kind) ? readers[kind as ChatCommand["kind"]] : undefined;
  if (read === undefined)
    return { text, problem: `there is no such command; there are ${Object.keys(usage).join(", ")}` };
  const command = words.every((word) => /^[\w.-]{1,100}$/.test(word)) ? read(words) : undefined;
  if (command !== undefined) return { text, command };
  const whole = kind === "ok-to-test" ? ", with all digits of the commit, since others can begin like it" : "";
  return { text, problem: `it is written \`/delivery ${usage[kind as ChatCommand["kind"]]}\`${whole}` };
}

type Reader = (words: readonly string[]) => ChatCommand | undefined;

const readers: Readonly<Record<ChatCommand["kind"], Reader>> = {
  retest: ([service, ...more]) => (more.length > 0 ? undefined : { kind: "retest", service }),
  preview: bare("preview"),
  hold: bare("hold"),
  unhold: bare("unhold"),
  promote: ([environment, ...more]) =>
    environment === undefined || more.length > 0 ? undefined : { kind: "promote", environment },
  rollback: ([environment, service, ...more]) =>
    environment === undefined || service === undefined || more.length > 0
      ? undefined
      : { kind: "rollback", environment, service },
  approve: ([commit, ...more]) =>
    more.length > 0 || (commit !== undefined && !isCommit(commit)) ? undefined : { kind: "approve", commit },
  "ok-to-test": ([commit, ...more]) =>
    commit === undefined || more.length > 0 || !isWholeCommit(commit) ? undefined : { kind: "ok-to-test", commit },
};

function bare(kind: "preview" | "hold" | "unhold"): Reader {
  return (words) => (words.length > 0 ? undefined : { kind });
}

function isCommit(text: string): boolean {
  return /^[0-9a-f]{7,64}$/.test(text);
}

/** Whoever makes the commits can make two that begin alike within seconds, and show one and push the other. */
function isWholeCommit(text: string): boolean {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}
