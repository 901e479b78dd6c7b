/**
 * Whether a condition of Travis CI holds, by its documented grammar as far as the pipeline uses it: `AND` binds stronger than
 * `OR`, `NOT` stronger than both; a word that is an attribute's name is its value.
 * Source: https://docs.travis-ci.com/user/conditions-v1
 * @param attributes of the build: `type`, `branch`, `repo`, …; one that is not set is blank
 * @throws Error at what it does not understand
 */
export function holds(condition: string, attributes: Readonly<Record<string, string>>): boolean {
  const tokens = condition.match(/"[^"]*"|!=|=|[(),]|[^\s()=!,"]+/g) ?? [];
  let at = 0;
  const next = (): string => tokens[at++] ?? "";
  const takes = (word: string): boolean => {
    if (tokens[at]?.toUpperCase() !== word) return false;
    at += 1;
    return true;
  };
  const fail = (): never => {
    throw new Error(`not understood: ${condition}, at ${JSON.stringify(tokens.slice(at - 1))}`);
  };
  const value = (): string => {
    const token = next();
    if (token.startsWith('"')) return token.slice(1, -1);
    if (!/^[\w./-]+$/.test(token)) return fail();
    return names.has(token) ? (attributes[token] ?? "") : token;
  };
  const term = (): boolean => {
    if (takes("NOT")) return !term();
    if (takes("(")) {
      const inner = either();
      return takes(")") ? inner : fail();
    }
    const left = value();
    if (left === "true" && (at === tokens.length || tokens[at] === ")")) return true;
    if (takes("=")) return left === value();
    if (takes("!=")) return left !== value();
    if (takes("IS")) return takes("BLANK") ? left === "" : takes("PRESENT") ? left !== "" : fail();
    if (takes("IN") && takes("(")) {
      const all = [value()];
      while (takes(",")) all.push(value());
      return takes(")") ? all.includes(left) : fail();
    }
    return fail();
  };
  // Both sides are read, whatever the first says.
  const both = (): boolean => {
    let result = term();
    while (takes("AND")) result = term() && result;
    return result;
  };
  const either = (): boolean => {
    let result = both();
    while (takes("OR")) result = both() || result;
    return result;
  };
  const result = either();
  return at === tokens.length ? result : fail();
}

const names: ReadonlySet<string> = new Set(["type", "repo", "branch", "tag", "fork", "head_repo", "head_branch"]);
