/** How a series is drawn: a class for the page's own colours, the colour for a picture that stands alone, dashes and a mark. */
export interface SeriesStyle {
  readonly name: string;
  readonly colour: string;
  readonly dash: string;
  /** Number of the mark, so that colour is not all that tells lines apart. */
  readonly mark: number;
}

/** Colours that people with any colour vision tell apart (Okabe and Ito 2008), on white and on black; the readable ones first. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#b65a8f", "#a87400", "#2f8fc4", "#000000", "#7a7000"] as const;
const ON_BLACK = ["#56b4e9", "#ff8a3d", "#2fc79a", "#e59ac6", "#f0b429", "#9ad3f5", "#f2f2f2", "#e6dc4e"] as const;
const DASHES = ["", "6 3", "2 2"] as const;

/** For values in an order: steps of plasma (Smith and van der Walt 2015), the dark ones on white, the light ones on black. */
const RAMP = ["#e8743b", "#cc4778", "#9c179e", "#6a00a8", "#0d0887"] as const;
const RAMP_ON_BLACK = ["#f0f921", "#fdb42f", "#ed7953", "#d8578f", "#a97be8"] as const;

/** Of all that is no series. `ink`: texts and axes; `faint`: grid; `dim`: chance, null. */
const REST = { ink: "#1d232b", faint: "#d9dde3", dim: "#5d6672" } as const;
const REST_ON_BLACK = { ink: "#e7eaee", faint: "#39414c", dim: "#a7b0bc" } as const;

/** The name of a colour that is no series'. */
export type Tone = keyof typeof REST;

/** How the series with this number is drawn, where series have names. */
export function lineStyle(index: number): SeriesStyle {
  const at = index % COLOURS.length;
  return {
    name: `k${at}`,
    colour: COLOURS[at] ?? COLOURS[0],
    dash: DASHES[Math.floor(index / COLOURS.length) % DASHES.length] ?? "",
    mark: index,
  };
}

/** How the series with this number of `count` is drawn, where series are steps of one quantity. */
export function rampStyle(index: number, count: number): SeriesStyle {
  const at = count < 2 ? 0 : Math.round((index * (RAMP.length - 1)) / (count - 1));
  const turn = Math.floor(index / RAMP.length) % DASHES.length;
  return {
    name: `q${at}`,
    colour: RAMP[at] ?? RAMP[0],
    dash: count > RAMP.length ? (DASHES[turn] ?? "") : "",
    mark: index,
  };
}

/** How what others are held against is drawn: the undefended line. */
export function baseStyle(): SeriesStyle {
  return { name: "ink", colour: REST.ink, dash: "5 3", mark: 5 };
}

/** A tone's colour in a picture that stands alone, on white. */
export function tone(name: Tone): string {
  return REST[name];
}

/** Rules that give pictures inside a page the colours for a dark ground. Pictures name theirs by `color`, which any rule outweighs. */
export function darkColours(): string {
  const series = (prefix: string, colours: readonly string[]): string[] =>
    colours.map((colour, i) => `svg .${prefix}${i}{color:${colour}}`);
  const rest = Object.entries(REST_ON_BLACK).map(([name, colour]) => `svg .${name}{color:${colour}}`);
  return [...series("k", ON_BLACK), ...series("q", RAMP_ON_BLACK), ...rest, "svg .ground{fill:none}"].join("\n");
}
