import { piece, type Piece } from "./piece.js";

/** A picture of a report: in the page with its words and numbers, and as a file by itself. */
export interface Figure {
  /** Of its file, without folder and `.svg`. */
  readonly file: string;
  readonly svg: Piece;
  /** What to see in it. */
  readonly caption: string;
  /** Data and protocol in full; the picture has them in short. */
  readonly source: string;
  /** The picture as a table. */
  readonly numbers: Piece;
}

/** The picture, its caption, and its numbers folded away: for who cannot see it, and who wants to know exactly. */
export function figureOf({ svg, caption, source, numbers }: Figure): Piece {
  return piece`<figure>${svg}<figcaption>${caption}</figcaption>
<details><summary>Numbers and protocol</summary><p><small>${source}</small></p>${numbers}</details></figure>
`;
}

/** A text as part of a file's name. */
export function fileWord(text: string): string {
  return (
    text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-|-$/g, "") || "unnamed"
  );
}
