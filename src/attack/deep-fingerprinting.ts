import type { Matrix } from "../features/matrix.js";
import type { Random } from "../random/random.js";
import type { Attack, Labelled, Model, SavedModel } from "./attack.js";
import { checkLabelled, checkSamples } from "./check-samples.js";
import { BatchNorm } from "./layers/batch-norm.js";
import { classWeights } from "./layers/class-weights.js";
import { Conv1d } from "./layers/conv1d.js";
import { Dense } from "./layers/dense.js";
import { Dropout } from "./layers/dropout.js";
import { Elu } from "./layers/elu.js";
import type { Layer } from "./layers/layer.js";
import { MaxPool } from "./layers/max-pool.js";
import { Network } from "./layers/network.js";
import { Relu } from "./layers/relu.js";
import type { Rows } from "./layers/rows.js";
import { train, type Training } from "./layers/training.js";
import { packed, SavedFields } from "./saved-fields.js";

const NAME = "deep-fingerprinting";
/** Packets that a convolution looks at, that one output of a pool stands for, and how far the pool's outputs stand apart: as published. */
const KERNEL = 8;
const WINDOW = 8;
const STRIDE = 4;
/** Numbers for each packet: its direction, and its length with the direction as sign. */
const CHANNELS = 2;
/** Filters of each block, and units of the dense layer. */
const FILTERS = [8, 16, 32];
const DENSE = 64;
const BATCH = 16;
const LONGEST = 0xf_ffff;

/** Options survive structuredClone. */
export interface DeepFingerprintingOptions extends Training {
  /** Whether the classes count alike in sum, however few the rows of one; they do if not given. */
  readonly balanced: boolean;
}

/**
 * The convolutional network of Sirinam et al. (Deep Fingerprinting, 2018) over packets in their order: blocks of convolution, batch
 * normalisation, activation (exponential in the first block, rectified after), overlapping pool and dropout; then dense.
 *
 * Smaller than published, so that two cores without vector units learn 75 traces of 1000 packets in seconds: three blocks of one convolution
 * with 8, 16 and 32 filters (there: four blocks of two, 32 to 256) and one dense layer of 64 (there: two of 512). That was built to tell 95 sites from 1000 visits each;
 * a speaker's classes are few. Packets bring their length beside the direction, since a speaker's are not cells of one size as Tor's are.
 */
export class DeepFingerprinting implements Attack {
  readonly name = NAME;
  readonly form = "sequence";
  readonly #options: Partial<DeepFingerprintingOptions>;

  constructor(options: Partial<DeepFingerprintingOptions> = {}) {
    this.#options = options;
  }

  train(from: Labelled, random: Random, progress?: (done: number) => void): Model {
    checkLabelled(from, `training ${NAME}`);
    const { samples, labels, classes } = from;
    const { balanced, ...training } = { ...optionsFor(samples.rows), ...this.#options };
    const view: View = { columns: samples.columns, steps: longest(samples), size: size(samples) };
    const network = build(view.steps, classes, Math.min(BATCH, samples.rows), random);
    const weights = classWeights(labels, classes, balanced);
    train(network, { samples: packets(samples, view), labels, weights }, training, random, progress);
    return new DeepModel(view, network);
  }

  load(saved: SavedModel): Model {
    const fields = new SavedFields(saved, NAME);
    const classes = fields.integer("classes", 1, 256);
    const columns = fields.integer("columns", 1, LONGEST);
    const steps = fields.integer("steps", 1, columns);
    const [size = 0] = fields.numbers("size", 1);
    if (size <= 0) throw fields.wrong("size is not above 0");
    const numbers = fields.doubles("numbers");
    // Before anything is built: the last block leaves a 64th of the steps, each with a weight for every filter and dense unit.
    if ((steps / STRIDE ** FILTERS.length) * (FILTERS.at(-1) ?? 0) * DENSE > numbers.length)
      throw fields.wrong("there are fewer numbers than the steps need");
    if (!numbers.every(Number.isFinite)) throw fields.wrong("one of the numbers is none");
    const network = build(steps, classes, BATCH, null);
    if (!network.fill(numbers)) throw fields.wrong("there are not as many numbers as steps and classes need");
    return new DeepModel({ columns, steps, size }, network);
  }
}

/** About 20,000 traces are shown, each at least 8 and at most 40 times. */
function optionsFor(rows: number): DeepFingerprintingOptions {
  return { epochs: Math.min(40, Math.max(8, Math.ceil(20_000 / rows))), rate: 0.005, decay: 0.1, balanced: true };
}

/** What of a sequence the network sees: `steps` of its `columns`, lengths divided by `size`. */
interface View {
  readonly columns: number;
  readonly steps: number;
  readonly size: number;
}

function packets({ rows, columns, values }: Matrix, { steps, size }: View): Rows {
  return {
    count: rows,
    width: steps * CHANNELS,
    copy(row, into, at) {
      for (let step = 0, to = at; step < steps; step++, to += CHANNELS) {
        const length = values[row * columns + step] ?? 0;
        into[to] = Math.sign(length);
        into[to + 1] = length / size;
      }
    },
  };
}

/** Where the longest sequence ends: what is zero in every row need not be learnt, or paid for. */
function longest({ rows, columns, values }: Matrix): number {
  let most = 1;
  for (let row = 0; row < rows; row++) {
    let end = columns;
    while (end > most && values[row * columns + end - 1] === 0) end--;
    most = end;
  }
  return most;
}

/** The root of the mean square of all lengths, 1 where there is none. */
function size({ values }: Matrix): number {
  let squares = 0;
  let count = 0;
  for (const value of values) {
    if (value === 0) continue;
    squares += value * value;
    count++;
  }
  return count === 0 ? 1 : Math.sqrt(squares / count);
}

function build(packets: number, classes: number, batch: number, draws: Random | null): Network {
  const layers: Layer[] = [];
  let steps = packets;
  let from = CHANNELS;
  for (const [block, to] of FILTERS.entries()) {
    const width = steps * to;
    const pool = new MaxPool({ steps, channels: to, window: WINDOW, stride: STRIDE }, batch);
    layers.push(new Conv1d({ steps, from, to, kernel: KERNEL }, batch, draws), new BatchNorm(steps, to, batch));
    layers.push(block === 0 ? new Elu(width, batch) : new Relu(width, batch));
    layers.push(pool, new Dropout(0.1, pool.outputs, batch));
    steps = pool.steps;
    from = to;
  }
  layers.push(new Dense(steps * from, DENSE, batch, draws), new BatchNorm(1, DENSE, batch), new Relu(DENSE, batch));
  layers.push(new Dropout(0.5, DENSE, batch), new Dense(DENSE, classes, batch, draws));
  return new Network(layers, batch);
}

class DeepModel implements Model {
  readonly #view: View;
  readonly #network: Network;

  constructor(view: View, network: Network) {
    this.#view = view;
    this.#network = network;
  }

  get classes(): number {
    return this.#network.classes;
  }

  probabilities(samples: Matrix): Float64Array {
    checkSamples(samples, this.#view.columns, `asking ${NAME}`);
    return this.#network.probabilities(packets(samples, this.#view));
  }

  save(): SavedModel {
    const { columns, steps, size } = this.#view;
    const { classes } = this;
    return { attack: NAME, classes, columns, steps, size: [size], numbers: packed(this.#network.numbers()) };
  }
}
