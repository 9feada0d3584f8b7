/** A share of lost slots above which a line is taken for congested. */
const LOSSY = 0.05;
/** Slots that must have been due before a share says something. */
const ENOUGH = 50;

/** How many of an episode's slots have not come, as their numbers tell. */
export class Losses {
  #episode = -1;
  #came = 0;
  #last = -1;
  #before = 0;

  /** Slots that have not come, of all episodes: one that is overtaken counts until it comes. */
  get lost(): number {
    return this.#before + this.#missing;
  }

  /** Only this episode counts now. */
  begin(episode: number): void {
    this.#before += this.#missing;
    this.#episode = episode;
    this.#came = 0;
    this.#last = -1;
  }

  heard(episode: number, slot: number): void {
    if (episode !== this.#episode) return;
    this.#came++;
    if (slot > this.#last) this.#last = slot;
  }

  get #missing(): number {
    return Math.max(0, this.#last + 1 - this.#came);
  }

  lossy(): boolean {
    const due = this.#last + 1;
    return due >= ENOUGH && this.#came < due * (1 - LOSSY);
  }
}
