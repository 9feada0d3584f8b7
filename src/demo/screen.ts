/** Where a demo shows itself while it runs. */
export interface Screen {
  /** A sentence that stays. */
  say(line: string): void;
  /** The present state; takes the place of the one before where that can be. */
  show(lines: () => string[], short: () => string): void;
}

/** Redraws in place on a terminal; elsewhere a line each time. */
export class StreamScreen implements Screen {
  readonly #stream: NodeJS.WriteStream;
  /** Lines of the last drawing, which the cursor stands below. */
  #drawn = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  say(line: string): void {
    this.#stream.write(`${line}\n`);
    this.#drawn = 0;
  }

  show(lines: () => string[], short: () => string): void {
    // A drawing higher than the terminal could not be taken back.
    const drawing = this.#stream.isTTY ? lines() : [];
    if (!this.#stream.isTTY || drawing.length >= this.#stream.rows) {
      this.#stream.write(`${short()}\n`);
      return;
    }
    const back = this.#drawn === 0 ? "" : `\x1b[${this.#drawn}A`;
    const width = this.#stream.columns;
    this.#stream.write(back + drawing.map((line) => `${line.slice(0, width - 1)}\x1b[K\n`).join(""));
    this.#drawn = drawing.length;
  }
}
