/** The way to a property: keys of maps and indexes of lists; `*` in a pattern stands for any of them. */
export type PropertyPath = readonly (string | number)[];

/** As Pulumi writes it: `spec.containers[0].image`, `metadata.labels["app.kubernetes.io/name"]`. */
export function formatPath(path: PropertyPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    if (/[."[\]]/.test(step)) return `${text}["${step.replaceAll('"', '\\"')}"]`;
    return text === "" ? step : `${text}.${step}`;
  }, "");
}

const step = /\[(\d+|\*)\]|\["((?:[^"\\]|\\.)*)"\]|\.?([^.["\]]+)/y;

/** @throws Error naming the path that cannot be read. */
export function parsePath(text: string): PropertyPath {
  const path: (string | number)[] = [];
  let position = 0;
  while (position < text.length) {
    step.lastIndex = position;
    const match = step.exec(text);
    if (match === null)
      throw new Error(`"${text}" is no property path: expected one such as spec.containers[0].image.`);
    const [whole, index, quoted, key] = match;
    if (index !== undefined) path.push(index === "*" ? "*" : Number(index));
    else path.push(quoted === undefined ? (key ?? "") : quoted.replaceAll('\\"', '"'));
    position += whole.length;
  }
  return path;
}

/** Whether `path` is at or below the pattern. */
export function isWithin(path: PropertyPath, pattern: PropertyPath): boolean {
  return (
    pattern.length <= path.length && pattern.every((expected, index) => expected === "*" || expected === path[index])
  );
}
