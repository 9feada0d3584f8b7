/** Speech: so many bytes up within so long, in packets that are more than acknowledgments. */
const SPEECH = { bytes: 10e3, within: 10e6, packet: 100 };
/** An answer: so many bytes down within so long; it begins with a packet that is more than an acknowledgment. */
const ANSWER = { bytes: 8e3, within: 500e3, packet: 500 };
/** What must have come for a speaker to begin to play: 4 kB are a second of speech at 32 kbit/s. */
const BEGINS = 4e3;
/** Before it, so long, there was less than that: what comes amid a stream, or behind an answer, is not the first. */
const QUIET = { bytes: 20e3, within: 10e6 };
/** The next answer begins so long after one at the earliest. */
const APART = 10e6;
/** Speech is under way for so long when it is answered: what comes before belongs to its beginning. */
const SPOKEN = 1e6;

/** Packets of one way as captured, in order, and how much later each came. */
class Series {
  readonly at: number[] = [];
  readonly bytes: number[] = [];
  readonly later: number[] = [];
}

/** How much later the first audio of each answer is there than without a defense. */
export class FirstAudio {
  readonly #up = new Series();
  readonly #down = new Series();

  /** A packet of the device, in µs. */
  up(at: number, bytes: number): void {
    if (bytes < SPEECH.packet) return;
    this.#up.at.push(at);
    this.#up.bytes.push(bytes);
  }

  /** A packet for the device; answers its number. */
  down(at: number, bytes: number): number {
    this.#down.bytes.push(bytes);
    this.#down.later.push(NaN);
    return this.#down.at.push(at) - 1;
  }

  /** That packet came so much later, in µs. */
  came(number: number, later: number): void {
    this.#down.later[number] = later;
  }

  /** Of each answer, in µs, in order: the latest of the packets that bring what playing begins with. */
  delays(): number[] {
    const { at, bytes, later } = this.#down;
    const found: number[] = [];
    let last = -Infinity;
    for (let i = 0; i < at.length; i++) {
      const begin = at[i] ?? 0;
      if ((bytes[i] ?? 0) < ANSWER.packet || begin < last + APART) continue;
      if (this.#sum(this.#down, begin - QUIET.within, begin) > QUIET.bytes) continue;
      if (this.#sum(this.#up, begin - SPEECH.within, begin) < SPEECH.bytes) continue;
      if (this.#sum(this.#up, begin - SPEECH.within, begin - SPOKEN) < SPEECH.packet) continue;
      if (this.#sum(this.#down, begin, begin + ANSWER.within) < ANSWER.bytes) continue;
      last = begin;
      let sum = 0;
      let most = 0;
      for (let j = i; j < at.length && sum < BEGINS; j++) {
        sum += bytes[j] ?? 0;
        most = Math.max(most, later[j] ?? NaN);
      }
      if (!Number.isNaN(most)) found.push(most);
    }
    return found;
  }

  #sum({ at, bytes }: Series, from: number, to: number): number {
    let low = 0;
    for (let high = at.length; low < high;) {
      const middle = (low + high) >> 1;
      if ((at[middle] ?? 0) < from) low = middle + 1;
      else high = middle;
    }
    let sum = 0;
    for (let i = low; i < at.length && (at[i] ?? 0) < to; i++) sum += bytes[i] ?? 0;
    return sum;
  }
}
