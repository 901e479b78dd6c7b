const units: ReadonlyArray<readonly [suffix: string, nanos: bigint]> = [
  ["n", 1n],
  ["u", 10n ** 3n],
  ["m", 10n ** 6n],
  ["", 10n ** 9n],
  ["k", 10n ** 12n],
  ["M", 10n ** 15n],
  ["G", 10n ** 18n],
  ["T", 10n ** 21n],
  ["P", 10n ** 24n],
  ["E", 10n ** 27n],
];
const binaryUnits: ReadonlyArray<readonly [suffix: string, nanos: bigint]> = [
  "",
  "Ki",
  "Mi",
  "Gi",
  "Ti",
  "Pi",
  "Ei",
].map((suffix, power) => [suffix, 1024n ** BigInt(power) * 10n ** 9n] as const);
const pattern = /^([+-]?)(\d*)(?:\.(\d*))?(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/;

/**
 * A quantity as the API server would write it: `1000m` and `1` are the same, and so are `1024Mi` and `1Gi`.
 * What is not a quantity, or is written with an exponent, stays as it is.
 */
export function canonicalQuantity(text: string): string {
  const match = pattern.exec(text);
  if (match === null) return text;
  const [, sign = "", whole = "", fraction = "", suffix = ""] = match;
  if (whole === "" && fraction === "") return text;
  const binary = suffix.endsWith("i");
  const unit = (binary ? binaryUnits : units).find(([name]) => name === suffix)?.[1] ?? 10n ** 9n;
  const scaled = BigInt(whole + fraction) * unit;
  const divisor = 10n ** BigInt(fraction.length);
  // Kubernetes rounds up what is finer than a nano.
  const nanos = (scaled + divisor - 1n) / divisor;
  if (nanos === 0n) return "0";
  const scale = binary && nanos >= 1024n * 10n ** 9n ? binaryUnits : units;
  const [name, size] = scale.findLast(([, each]) => nanos % each === 0n) ?? ["n", 1n];
  return `${sign === "-" ? "-" : ""}${nanos / size}${name}`;
}
