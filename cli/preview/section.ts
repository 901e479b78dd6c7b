/** A part of a comment. */
export interface Section {
  /** What it says, and then the same ever shorter, where it can be said so. */
  readonly texts: readonly string[];
  /** What it is called where it had to be cut. */
  readonly title: string;
  /** The lower, the longer it may be, and the later it is left out. */
  readonly rank: number;
  /** Whether it is said in short before any other is said at length. */
  readonly essential: boolean;
}

/** The titles of what is not there in full. */
export interface CutSections {
  readonly leftOut: readonly string[];
  readonly shortened: readonly string[];
}

/**
 * Joins the sections. Where there is no room for all of them in full, the essential ones are there in short at least, and
 * those of the lowest rank grow first; what does not fit in any length is left out.
 */
export function fitSections(sections: readonly Section[], limit: number, note: (cut: CutSections) => string): string {
  const whole = join(sections.map(({ texts }) => texts[0] ?? ""));
  if (whole.length <= limit) return whole;
  // The note itself never grows beyond this: it names kinds of sections, not each of them.
  const all = titlesOf(sections);
  const room = limit - note({ leftOut: all, shortened: all }).length - separator.length;
  const chosen = chooseTexts(sections, room);
  const leftOut = sections.filter((section) => !chosen.has(section));
  const shortened = sections.filter((section) => chosen.has(section) && chosen.get(section) !== section.texts[0]);
  const kept = sections.flatMap((section) => chosen.get(section) ?? []);
  return join([...kept, note({ leftOut: titlesOf(leftOut), shortened: titlesOf(shortened) })]);
}

/** The text of each section that fits. */
function chooseTexts(sections: readonly Section[], room: number): ReadonlyMap<Section, string> {
  const chosen = new Map<Section, string>();
  const left = { characters: room };
  const sizeOf = (text: string | undefined): number => (text === undefined ? 0 : text.length + separator.length);
  const choose = (section: Section, texts: readonly string[]): void => {
    const current = sizeOf(chosen.get(section));
    const text = texts.find((one) => sizeOf(one) - current <= left.characters);
    if (text === undefined) return;
    left.characters -= sizeOf(text) - current;
    chosen.set(section, text);
  };
  const byImportance = sections.toSorted((one, other) => one.rank - other.rank);
  for (const section of byImportance) if (section.essential) choose(section, section.texts.slice(-1));
  for (const section of byImportance) choose(section, section.texts);
  return chosen;
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
