/**
 * The part of CEL that generated annotations use: `==`, `!=`, `&&`, `||`, `!` and parentheses over variables and strings.
 * Source: https://github.com/google/cel-spec/blob/master/doc/langdef.md
 */

const tokenPattern = /\s*(&&|\|\||==|!=|[!()]|"(?:[^"\\]|\\.)*"|[a-z_]+)/y;

/** @throws Error for anything else, so that nothing is taken for true that is not understood */
export function isTrue(expression: string, variables: Readonly<Record<string, string>>): boolean {
  const rest = tokensOf(expression);
  const next = (...expected: string[]): string | undefined =>
    expected.includes(rest[0] ?? "") ? rest.shift() : undefined;
  const either = (): boolean => {
    const left = both();
    // Both sides are read, whatever the first one is.
    return next("||") === undefined ? left : either() || left;
  };
  const both = (): boolean => {
    const left = one();
    return next("&&") === undefined ? left : both() && left;
  };
  const one = (): boolean => {
    if (next("!") !== undefined) return !one();
    if (next("(") !== undefined) {
      const inner = either();
      if (next(")") === undefined) throw new Error(`${expression}: a parenthesis is not closed`);
      return inner;
    }
    const left = value();
    const operator = next("==", "!=");
    if (operator === undefined)
      throw new Error(`${expression}: a comparison is expected before ${rest[0] ?? "the end"}`);
    return (left === value()) === (operator === "==");
  };
  const value = (): string => {
    const token = rest.shift() ?? "";
    if (token.startsWith('"')) return String(JSON.parse(token));
    const found = variables[token];
    if (found === undefined)
      throw new Error(`${expression}: ${token === "" ? "ends too early" : `${token} is not known`}`);
    return found;
  };
  const result = either();
  if (rest.length > 0) throw new Error(`${expression}: ${rest[0]} is not expected`);
  return result;
}

function tokensOf(expression: string): string[] {
  const tokens: string[] = [];
  for (let at = 0; expression.slice(at).trim() !== "";) {
    tokenPattern.lastIndex = at;
    const [all, token] = tokenPattern.exec(expression) ?? [];
    if (all === undefined || token === undefined)
      throw new Error(`${expression}: ${expression.slice(at).trim()} is not understood`);
    tokens.push(token);
    at += all.length;
  }
  return tokens;
}
