import { join } from "node:path";
import type { Look } from "../samples/look.js";
import { passCaptures } from "../samples/pass-captures.js";
import type { Samples } from "../samples/samples.js";
import type { CellPlan } from "./cell.js";
import { looksOf, lookKey, passKey, passOf, type Pass } from "./pass.js";
import { formsIn, readSamples, writeSamples } from "./sample-file.js";
import type { Scenario } from "./scenario.js";

/** Where samples are kept and what they are made of. Survives structuredClone. */
export interface SampleStoreOptions {
  /** A file a look lies under it, in a folder a pass. */
  readonly folder: string;
  readonly hushbox: string;
  /** Of the defenses' draws. */
  readonly seed: string;
  readonly threads: number;
}

/** What the looks of a campaign saw, on disk: each pass is made once, however often a run is cut off. */
export class SampleStore {
  readonly #options: SampleStoreOptions;

  constructor(options: SampleStoreOptions) {
    this.#options = options;
  }

  /** Whether all that these cells of one scenario look at is there. */
  has(cells: readonly CellPlan[], scenario: Scenario): boolean {
    return cells.every((cell) => looksOf([cell]).every((look) => this.#there(passOf(cell), scenario, look)));
  }

  /** What a cell looks at, in every form that its attacks need; null where that is not there. */
  get(cell: CellPlan, scenario: Scenario): Samples | null {
    const [look] = looksOf([cell]);
    const pass = passOf(cell);
    if (look === undefined || !this.#there(pass, scenario, look)) return null;
    return readSamples(this.#path(pass, look), this.#stamp(pass, scenario, look));
  }

  /** Makes what is missing of all that cells of one pass look at. `manifest`: of the scenario's captures. */
  async make(
    cells: readonly CellPlan[],
    scenario: Scenario,
    manifest: string,
    progress: (done: number, all: number) => void,
  ): Promise<void> {
    const [first] = cells;
    if (first === undefined) return;
    const pass = passOf(first);
    const looks = looksOf(cells).filter((look) => !this.#there(pass, scenario, look));
    if (looks.length === 0) return;
    const { seed, threads } = this.#options;
    const { preset, vantage, nu } = pass;
    const defended = { preset, vantage, seed, ...(nu === undefined ? {} : { nu }) };
    const made = await passCaptures({ manifest, task: scenario.task, defended, looks, threads }, progress);
    for (const [i, look] of looks.entries()) {
      const samples = made[i];
      if (samples !== undefined) writeSamples(this.#path(pass, look), this.#stamp(pass, scenario, look), samples);
    }
  }

  #there(pass: Pass, scenario: Scenario, look: Look): boolean {
    const forms = formsIn(this.#path(pass, look), this.#stamp(pass, scenario, look));
    return look.forms.every((form) => forms?.includes(form) === true);
  }

  #path(pass: Pass, look: Look): string {
    return join(this.#options.folder, passKey(pass), `${lookKey(look)}.samples`);
  }

  /** All that decides what is in the file, but for its forms. */
  #stamp(pass: Pass, { digest, task }: Scenario, { observer, windows }: Look): string {
    const { hushbox, seed } = this.#options;
    return JSON.stringify([hushbox, seed, digest, task, pass, observer, windows]);
  }
}
