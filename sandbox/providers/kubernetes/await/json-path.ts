import { isMap } from "../../../../kubernetes/json.ts";
import { textOf } from "../../../../kubernetes/object.ts";
import type { PropertyValue } from "../../property.ts";

type Step = (values: readonly PropertyValue[]) => PropertyValue[];

const token =
  /\.\.|\.?([\w-]+)|\.?\[\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(-?\d+)|(\*)|\?\(\s*@\.([\w.-]+)\s*==\s*(?:"([^"]*)"|'([^']*)'|([\w.-]+))\s*\))\s*\]|\.(\*)/y;

/**
 * The values that a JSONPath such as `.status.conditions[?(@.type=="Ready")].status` selects.
 *
 * @throws Error naming the path where it uses more of JSONPath than keys, indexes, `*` and one equality.
 */
export function selectPath(path: string, root: PropertyValue): PropertyValue[] {
  return stepsOf(path).reduce<PropertyValue[]>((values, step) => step(values), [root]);
}

export function stepsOf(path: string): Step[] {
  const text = path.trim().replace(/^\$/, "");
  const steps: Step[] = [];
  let position = 0;
  while (position < text.length) {
    token.lastIndex = position;
    const match = token.exec(text);
    if (match === null || match[0] === "..")
      throw new Error(`the JSONPath {${path}} is not understood at "${text.slice(position)}".`);
    const [whole, key, single, double, index, star, filterKey, ...rest] = match;
    const name = key ?? single ?? double;
    if (name !== undefined) steps.push(member(name.replaceAll(/\\(.)/g, "$1")));
    else if (index !== undefined)
      steps.push((values) =>
        values.flatMap((value) => (Array.isArray(value) ? value.slice(Number(index)).slice(0, 1) : [])),
      );
    else if (filterKey !== undefined) steps.push(filter(filterKey, rest[0] ?? rest[1] ?? rest[2] ?? ""));
    else if (star !== undefined || rest[3] !== undefined) steps.push((values) => values.flatMap(children));
    position += whole.length;
  }
  return steps;
}

function member(name: string): Step {
  return (values) =>
    values.flatMap((value) => {
      const found = isMap(value) ? value[name] : undefined;
      return found === undefined ? [] : [found];
    });
}

function filter(key: string, expected: string): Step {
  const steps = key.split(".").map(member);
  return (values) =>
    values
      .flatMap(children)
      .filter((item) =>
        steps.reduce<PropertyValue[]>((found, step) => step(found), [item]).some((value) => textOf(value) === expected),
      );
}

function children(value: PropertyValue): PropertyValue[] {
  if (Array.isArray(value)) return value;
  return isMap(value) ? Object.values(value) : [];
}
