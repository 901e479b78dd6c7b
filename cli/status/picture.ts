import type { Stage, State } from "./model.ts";
import { escapeMarkup, stageTitles, stateWords } from "./text.ts";

/** Side by side for wide windows, one below the other for narrow ones. */
type Direction = "row" | "column";

interface Layout {
  readonly width: number;
  readonly height: number;
  readonly gap: number;
  /** Where in a stage its mark, title and summary are. */
  readonly mark: readonly [x: number, y: number];
  readonly title: readonly [x: number, y: number];
  readonly summary: readonly [x: number, y: number];
  /** How wide a line of the summary may be, in em of its 13 pixels, and how many lines there are. */
  readonly em: number;
  readonly lines: number;
}

/** In pixels of a page that is wide enough; a row fills it, however many stages there are. */
const rowWidth = 1220;

function layoutOf(direction: Direction, stages: number): Layout {
  if (direction === "column")
    return { width: 350, height: 66, gap: 24, mark: [32, 33], title: [60, 28], summary: [60, 49], em: 21, lines: 1 };
  const gap = 28;
  const width = Math.floor((rowWidth + gap) / Math.max(stages, 1)) - gap;
  return {
    width,
    height: 116,
    gap,
    mark: [28, 34],
    title: [50, 40],
    summary: [16, 72],
    em: (width - 32) / 13,
    lines: 2,
  };
}

const marks: Readonly<Record<State, string>> = {
  ok: '<path class="glyph" d="M-5 0.5 L-1.5 4 L5.5 -4"/>',
  progress: '<path class="glyph" d="M-4.5 0 h0.01 M0 0 h0.01 M4.5 0 h0.01"/>',
  failed: '<path class="glyph" d="M-4 -4 L4 4 M4 -4 L-4 4"/>',
  unknown: '<path class="glyph" d="M-3 -2.5 a3 3 0 1 1 4.4 2.7 q-1.4 0.8 -1.4 2 M0 5.4 h0.01"/>',
};

/** The pipeline as an SVG element: one box per stage in the colour of its state, which the page's style sheet gives. */
export function pipelinePicture(stages: readonly Stage[], direction: Direction): string {
  const layout = layoutOf(direction, stages.length);
  const { width, height, gap } = layout;
  const along = (size: number): number => stages.length * size + Math.max(0, stages.length - 1) * gap;
  const [totalWidth, totalHeight] = direction === "row" ? [along(width), height] : [width, along(height)];
  const positions = stages.map((_, index): [number, number] =>
    direction === "row" ? [index * (width + gap), 0] : [0, index * (height + gap)],
  );
  const arrows = stages
    .slice(1)
    .map((stage, index) => arrow(stage.state, positions[index] ?? [0, 0], direction, layout));
  const boxes = stages.map((stage, index) => box(stage, positions[index] ?? [0, 0], direction, layout));
  const label = stages.map(({ name, state }) => `${stageTitles[name]}: ${stateWords[state]}`).join(", ");
  return [
    // Half of a stroke is outside of its edge.
    `<svg class="picture ${direction}" viewBox="-1 -1 ${totalWidth + 2} ${totalHeight + 2}" role="img" aria-label="${escapeMarkup(label)}">`,
    ...arrows,
    ...boxes,
    "</svg>",
  ].join("\n");
}

function box(
  { name, state, summary }: Stage,
  [x, y]: readonly [number, number],
  direction: Direction,
  layout: Layout,
): string {
  const { width, height, mark, title, summary: text, em, lines } = layout;
  const edge =
    direction === "row"
      ? `M1 13 V12 A11 11 0 0 1 12 1 H${width - 12} A11 11 0 0 1 ${width - 1} 12 V13`
      : `M13 1 H12 A11 11 0 0 0 1 12 V${height - 12} A11 11 0 0 0 12 ${height - 1} H13`;
  const spans = wrap(summary, em, lines).map(
    (line, index) => `<tspan x="${text[0]}" y="${text[1] + index * 19}">${escapeMarkup(line)}</tspan>`,
  );
  return `<g class="stage ${state}" data-stage="${name}" data-state="${state}" transform="translate(${x} ${y})">
<title>${escapeMarkup(`${stageTitles[name]}: ${stateWords[state]}. ${summary}`)}</title>
<rect class="box" width="${width}" height="${height}" rx="12"/>
<path class="edge" d="${edge}"/>
<g transform="translate(${mark[0]} ${mark[1]})"><circle class="mark" r="11"/>${marks[state]}</g>
<text class="title" x="${title[0]}" y="${title[1]}">${stageTitles[name]}</text>
<text class="summary">${spans.join("")}</text>
</g>`;
}

/** From the stage at this position to the next one, in the colour of the next one's state. */
function arrow(
  state: State,
  [x, y]: readonly [number, number],
  direction: Direction,
  { width, height, gap }: Layout,
): string {
  const turn =
    direction === "row"
      ? `translate(${x + width} ${y + height / 2})`
      : `translate(${x + width / 2} ${y + height}) rotate(90)`;
  return `<g class="arrow ${state}" transform="${turn}"><path class="shaft" d="M5 0 H${gap - 9}"/><path class="head" d="M${gap - 11} -5 L${gap - 4} 0 L${gap - 11} 5 Z"/></g>`;
}

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
    return textWidth(row) > width || more ? `${cutToWidth(row, width - textWidth("…"))}…` : row;
  });
}

function cutToWidth(row: string, width: number): string {
  const letters = Array.from(row);
  const fitting = letters.findIndex((_, index) => textWidth(letters.slice(0, index + 1).join("")) > width);
  return (fitting === -1 ? row : letters.slice(0, fitting).join("")).trimEnd();
}
