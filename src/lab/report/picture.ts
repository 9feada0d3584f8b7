import { tone } from "./palette.js";
import { piece, type Piece } from "./piece.js";
import { textLines } from "./text-lines.js";

/** Of all pictures, in units of their own: narrow enough that its letters can be read on a phone. */
export const WIDTH = 420;
const TITLE_LINE = 17;
const NOTE_LINE = 14;
const LEGEND_LINE = 18;

/** One thing that a legend explains; `swatch` is drawn into 22 × 12 units around its middle left. */
export interface Key {
  readonly name: string;
  readonly swatch: Piece;
}

/** What every picture has. */
export interface PictureText {
  readonly title: string;
  /** Of what, and how measured: a picture that is passed on by itself still says so. */
  readonly note?: string;
}

/** An SVG element that needs nothing beside it: title and note above, then what `draw` draws from a height on, then a legend. */
export function picture(
  { title, note }: PictureText,
  keys: readonly Key[],
  draw: (top: number) => { readonly drawn: Piece; readonly bottom: number },
): Piece {
  const titles = textLines(title, 52);
  const notes = note === undefined ? [] : textLines(note, 68);
  const noteAt = 4 + TITLE_LINE * titles.length;
  const { drawn, bottom } = draw(noteAt + NOTE_LINE * notes.length + 10);
  const places = legendPlaces(keys);
  const height = bottom + 6 + LEGEND_LINE * ((places.at(-1)?.line ?? -1) + 1);
  return piece`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${note === undefined ? title : `${title}. ${note}`}" font-family="system-ui, sans-serif" font-size="12">
<rect class="ground" width="${WIDTH}" height="${height}" fill="#fff"/>
<g class="ink" color="${tone("ink")}" fill="currentColor">
${titles.map((line, i) => piece`<text x="4" y="${TITLE_LINE * (i + 1) - 2}" font-weight="600" font-size="13">${line}</text>`)}
${notes.map((line, i) => piece`<text class="dim" x="4" y="${noteAt + NOTE_LINE * (i + 1) - 4}" font-size="11" color="${tone("dim")}" fill="currentColor">${line}</text>`)}
${drawn}
${places.map(
  ({ key, x, line }) =>
    piece`<g transform="translate(${x} ${bottom + 6 + LEGEND_LINE * line + 5})">${key.swatch}<text x="27" y="4" font-size="11.5">${key.name}</text></g>
`,
)}</g></svg>`;
}

/** Keys side by side as long as they fit; letters are taken to be as wide as they are on average. */
function legendPlaces(keys: readonly Key[]): { key: Key; x: number; line: number }[] {
  let x = 4;
  let line = 0;
  return keys.map((key) => {
    const width = 27 + key.name.length * 6.2 + 14;
    if (x > 4 && x + width > WIDTH + 10) {
      x = 4;
      line++;
    }
    const place = { key, x, line };
    x += width;
    return place;
  });
}
