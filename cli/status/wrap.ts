/** Widths in em of DejaVu Sans, wider than the fonts that come before it in the page's list; an SVG breaks no lines itself. */
function letterWidth(letter: string): number {
  if (/[iljtfrI.,:;'|!/() -]/.test(letter)) return 0.42;
  if (/[a-z0-9]/.test(letter) && !/[mw]/.test(letter)) return 0.64;
  return /[A-Z]/.test(letter) && !/[MW]/.test(letter) ? 0.79 : 1;
}

export function textWidth(text: string): number {
  return Array.from(text).reduce((sum, letter) => sum + letterWidth(letter), 0);
}

/**
 * Breaks a text between words where it can; what does not fit ends in `…`.
 * @param width of a line, in em
 */
export function wrap(text: string, width: number, lines: number): string[] {
  const rows = text.split(/\s+/).reduce<string[]>((before, word) => {
    const last = before.at(-1);
    return last !== undefined && textWidth(`${last} ${word}`) <= width
      ? [...before.slice(0, -1), `${last} ${word}`]
      : [...before, word];
  }, []);
  return rows.slice(0, lines).map((row, index) => {
    const more = index === lines - 1 && rows.length > lines;
    return textWidth(row) > width || more ? `${cut(row, width - textWidth("…"))}…` : row;
  });
}

function cut(row: string, width: number): string {
  const letters = Array.from(row);
  const fitting = letters.findIndex((_, index) => textWidth(letters.slice(0, index + 1).join("")) > width);
  return (fitting === -1 ? row : letters.slice(0, fitting).join("")).trimEnd();
}
