/** How much a part of the report says of what it has to say. */
export interface Extent {
  /** More of a kind in one list nobody reads; it then says how many more there are. */
  readonly lines: number;
  /** Of one line, e.g. the changes of a service. */
  readonly details: number;
  /** Of a message, in characters. */
  readonly message: number;
}

/** From the fullest to what must fit in any case. */
export const extents: readonly Extent[] = [
  { lines: 100, details: 12, message: 4_000 },
  { lines: 100, details: 3, message: 1_000 },
  { lines: 20, details: 3, message: 1_000 },
  { lines: 5, details: 2, message: 300 },
];

/** A list of so many lines. */
export function list(lines: readonly string[], extent: Extent): string {
  const { shown, more } = firstOf(lines, extent.lines);
  return [...shown, ...(more === 0 ? [] : [`- … and ${more} more`])].join("\n");
}

/** So many details, in one line. */
export function details(all: readonly string[], extent: Extent, separator: string): string {
  const { shown, more } = firstOf(all, extent.details);
  return `${shown.join(separator)}${more === 0 ? "" : ` and ${more} more`}`;
}

export function firstOf<T>(all: readonly T[], most: number): { shown: readonly T[]; more: number } {
  return { shown: all.slice(0, most), more: Math.max(0, all.length - most) };
}

/** A message of so many characters. */
export function cut(text: string, { message }: Extent): string {
  // Half a character would be none.
  return text.length > message ? `${text.slice(0, message).replace(/[\ud800-\udbff]$/, "")}…` : text;
}
