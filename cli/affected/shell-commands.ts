/** The simple commands of a shell's script, each as its words without quotes, and without redirections. */
export interface ShellCommands {
  /** `(` and `)` are commands of their own; what is substituted into a command comes before it. */
  readonly commands: readonly (readonly string[])[];
  /** Whether the script has nothing that is not understood here: a here-document, an open quote. */
  readonly complete: boolean;
}

const deepest = 20;

/** Reads each character once for every level of substitution, of which there are at most twenty. */
export function shellCommands(script: string, depth = 0): ShellCommands {
  const commands: (readonly string[])[] = [];
  if (depth > deepest) return { commands, complete: false };
  let words: string[] = [];
  let word: string | undefined;
  let redirected = false;
  let complete = true;
  const endWord = (): void => {
    if (word !== undefined && !redirected) words.push(word);
    if (word !== undefined) redirected = false;
    word = undefined;
  };
  const endCommand = (): void => {
    endWord();
    redirected = false;
    if (words.length > 0) commands.push(words);
    words = [];
  };
  const nest = (inner: string): void => {
    const nested = shellCommands(inner, depth + 1);
    commands.push(["("], ...nested.commands, [")"]);
    complete &&= nested.complete;
  };
  /** Reads a substitution, of which `$` keeps the place in the word. @returns the index behind it */
  const substitute = (at: number): number => {
    const backtick = script[at] === "`";
    const end = backtick ? closingBacktick(script, at + 1) : closingParenthesis(script, at + 2);
    if (end === -1) complete = false;
    const last = end === -1 ? script.length : end;
    nest(script.slice(at + (backtick ? 1 : 2), last));
    word = `${word ?? ""}$`;
    return last + 1;
  };
  const isSubstitution = (at: number): boolean => script[at] === "`" || script.startsWith("$(", at);
  for (let at = 0; at < script.length;) {
    const character = script[at] ?? "";
    if (character === "\\") {
      if (script[at + 1] !== "\n") word = `${word ?? ""}${script[at + 1] ?? ""}`;
      at += 2;
    } else if (isSubstitution(at)) at = substitute(at);
    else if (character === "'") {
      const end = script.indexOf("'", at + 1);
      if (end === -1) complete = false;
      word = `${word ?? ""}${script.slice(at + 1, end === -1 ? undefined : end)}`;
      at = end === -1 ? script.length : end + 1;
    } else if (character === '"') {
      word ??= "";
      for (at++; at < script.length && script[at] !== '"';) {
        if (isSubstitution(at)) at = substitute(at);
        else {
          if (script[at] === "\\") at++;
          word = `${word}${script[at] ?? ""}`;
          at++;
        }
      }
      if (at >= script.length) complete = false;
      at++;
    } else if (character === "<" || character === ">") {
      const [operator = character] = /^[<>]+[&|]?/.exec(script.slice(at, at + 4)) ?? [];
      if (operator.startsWith("<<") || script[at + operator.length] === "(") complete = false;
      if (word !== undefined && /^\d+$/.test(word)) word = undefined;
      endWord();
      redirected = true;
      at += operator.length;
    } else if (character === "#" && word === undefined) {
      const end = script.indexOf("\n", at);
      at = end === -1 ? script.length : end;
    } else if (/[;|&\n]/.test(character)) {
      endCommand();
      at++;
    } else if (character === "(" || character === ")") {
      endCommand();
      commands.push([character]);
      at++;
    } else if (/\s/.test(character)) {
      endWord();
      at++;
    } else {
      word = `${word ?? ""}${character}`;
      at++;
    }
  }
  endCommand();
  return { commands, complete };
}

/** Where the parenthesis that was opened before an index is closed again, outside of quotes; -1: nowhere. */
function closingParenthesis(script: string, from: number): number {
  let open = 1;
  for (let at = from; at < script.length; at++) {
    const character = script[at];
    if (character === "\\") at++;
    else if (character === "'") {
      at = script.indexOf("'", at + 1);
      if (at === -1) return -1;
    } else if (character === "(") open++;
    else if (character === ")" && --open === 0) return at;
  }
  return -1;
}

function closingBacktick(script: string, from: number): number {
  for (let at = from; at < script.length; at++) {
    if (script[at] === "\\") at++;
    else if (script[at] === "`") return at;
  }
  return -1;
}
