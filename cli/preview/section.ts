/** A part of a comment. */
export interface Section {
  readonly text: string;
  /** What it is called where it had to be left out. */
  readonly title: string;
  /** The lower, the later it is left out. */
  readonly rank: number;
}

/** Joins the sections, without those for which there is no room: the highest rank goes first, then the last. */
export function fitSections(
  sections: readonly Section[],
  limit: number,
  leftOut: (titles: readonly string[]) => string,
): string {
  const order = sections.map((section, index) => ({ section, index }));
  const byImportance = order.toSorted((one, other) => one.section.rank - other.section.rank || one.index - other.index);
  const whole = join(sections.map(({ text }) => text));
  if (whole.length <= limit) return whole;
  const kept = new Set<number>();
  // The note itself never grows beyond this: it names kinds of sections, not each of them.
  const room = { left: limit - leftOut(titlesOf(sections)).length - separator.length };
  for (const { section, index } of byImportance) {
    const size = section.text.length + separator.length;
    if (size > room.left) continue;
    room.left -= size;
    kept.add(index);
  }
  const dropped = order.filter(({ index }) => !kept.has(index)).map(({ section }) => section);
  const texts = order.filter(({ index }) => kept.has(index)).map(({ section }) => section.text);
  return join([...texts, leftOut(titlesOf(dropped))]);
}

const separator = "\n\n";

function join(texts: readonly string[]): string {
  return texts.join(separator);
}

/** Each title once, with how often it is there. */
function titlesOf(sections: readonly Section[]): string[] {
  const titles = sections.map(({ title }) => title);
  return [...new Set(titles)].map((title) => {
    const count = titles.filter((other) => other === title).length;
    return count === 1 ? title : `${title} (${count})`;
  });
}
