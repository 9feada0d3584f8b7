import { piece, type Piece } from "./piece.js";

/** What stands in a table: a text, a number as it was written, or a piece. */
export type TableCell = string | Piece;

/** An HTML table with a caption, head cells and, in each row, a first cell that names it. It scrolls by itself where it is wider than the page. */
export function dataTable(caption: string, head: readonly TableCell[], rows: readonly (readonly TableCell[])[]): Piece {
  return piece`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption>${caption}</caption>
<thead><tr>${head.map((name) => piece`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([
      first,
      ...more
    ]) => piece`<tr><th scope="row">${first ?? ""}</th>${more.map((cell) => piece`<td>${cell}</td>`)}</tr>
`,
  )}</tbody></table></div>`;
}
