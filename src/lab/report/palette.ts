/** Colours that people with any colour vision tell apart (Okabe and Ito 2008), the readable ones on white first. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8a7f00"] as const;
/** Marks, so that colour is not all that tells lines apart. */
const DASHES = ["", "6 3", "2 2"] as const;

/** How the line with this number is drawn. */
export function lineStyle(index: number): { readonly colour: string; readonly dash: string } {
  return {
    colour: COLOURS[index % COLOURS.length] ?? COLOURS[0],
    dash: DASHES[Math.floor(index / COLOURS.length) % DASHES.length] ?? "",
  };
}
