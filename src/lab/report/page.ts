import { piece, Piece } from "./piece.js";
import { STYLE } from "./style.js";

/** A part of a page, with the name that its list of contents gives it. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Piece;
}

/** What stands at the head and foot of a page. */
export interface PageFrame {
  readonly title: string;
  /** Under the title, in a sentence or two. */
  readonly lead: Piece;
  readonly foot: string;
}

/**
 * One HTML file that needs nothing beside it: no script, and its policy lets it fetch nothing. Sections without a body are
 * left out.
 */
export function page({ title, lead, foot }: PageFrame, sections: readonly Section[]): string {
  const shown = sections.filter(({ body }) => body.source !== "");
  return piece`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${new Piece(STYLE)}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header><h1>${title}</h1>
<div class="lead">${lead}</div>
${shown.length < 2 ? "" : piece`<nav aria-label="Contents"><ul>${shown.map(({ id, title: name }) => piece`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>`}
</header>
<main id="content">
${shown.map(
  ({
    id,
    title: name,
    body,
  }) => piece`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${name}</h2>
${body}
</section>
`,
)}</main>
<footer>${foot}</footer>
</body>
</html>
`.source;
}
