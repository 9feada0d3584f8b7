import { MECHANISM_NAMES, WATCHED_NAMES } from "./options.js";

/** What was done to packets so that neither side notices the defenses. */
export const CLEANED = [
  "dsacks_stripped",
  "acks_swallowed",
  "errors_swallowed",
  "errors_restored",
  "resets_swallowed",
  "replies_trimmed",
  "mss_clamped",
  "windows_clamped",
  "paths_learned",
  "keep_alives_answered",
] as const;

/** Decoys that came out of a tunnel: of a far end whose hushbox speaks as we do, and of one that does not. */
export const FAR = ["far_decoys", "far_decoys_of_other_version"] as const;

/** What defenses count beside what packets show; each name is one counter of the datapath. */
export const TALLIES = [
  ...MECHANISM_NAMES.flatMap((name) => [`padded_packets_${name}`, `padded_bytes_${name}`] as const),
  ...WATCHED_NAMES.map((name) => `given_up_${name}` as const),
  ...CLEANED,
  ...FAR,
] as const;
export type TallyName = (typeof TALLIES)[number];

/** Where defenses count: numbers that somebody else reads. */
export class Tally {
  readonly #values: Float64Array;
  readonly #places: ReadonlyMap<string, number>;

  /** `place`: where a name's counter lies in `values`. */
  constructor(values: Float64Array, place: (name: TallyName) => number) {
    this.#values = values;
    this.#places = new Map(TALLIES.map((name) => [name, place(name)]));
  }

  /** A tally of its own. */
  static alone(): Tally {
    return new Tally(new Float64Array(TALLIES.length), (name) => TALLIES.indexOf(name));
  }

  /** Where a name is counted; to be looked up once. */
  place(name: TallyName): number {
    return this.#places.get(name) ?? 0;
  }

  add(place: number, n: number): void {
    this.#values[place] = (this.#values[place] ?? 0) + n;
  }

  read(name: TallyName): number {
    return this.#values[this.place(name)] ?? 0;
  }
}
