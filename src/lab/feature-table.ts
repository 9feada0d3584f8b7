import { statSync } from "node:fs";
import { HushboxError } from "../errors/hushbox-error.js";
import type { FeatureWindow } from "../features/feature-window.js";
import { FEATURES } from "../features/features.js";
import { Windows, type WindowOptions, type WindowSink } from "../features/windows.js";
import { findMac } from "../nic/device-match.js";
import type { Observation, TraceSink } from "../trace/observation.js";
import { Observer, type Vantage } from "../trace/observer.js";
import { AddressSubject, DeviceSubject, EverySubject, type Subject } from "../trace/subject.js";
import { TraceReader } from "../trace/trace-reader.js";
import { parseMac } from "../wire/ethernet.js";
import { Prefixes } from "../wire/prefix.js";
import type { Table } from "./table.js";
import type { Target } from "./target.js";

/** Records between two breaths: some 20 ms. */
const STRETCH = 65_536;

/** What to make windows of, and how. Survives structuredClone. */
export interface FeatureTableOptions {
  /** Captures, each a trace of its own. */
  readonly inputs: readonly string[];
  /** The device's MAC address, or one of its IP addresses; at `wan` all that the house shows. None: every packet counts, and has no direction. */
  readonly device: readonly string[];
  readonly vantage: Vantage;
  /** Networks that no packet leaves the house for. */
  readonly local: readonly string[];
  readonly windows: WindowOptions;
  /** What to do with a capture that ends within a packet: an error, or the windows of what is whole. */
  readonly truncated: "error" | "end";
}

/** What a capture gave. */
export interface TraceReport {
  readonly file: string;
  /** Records of the capture, and those neither from nor to the device. */
  readonly records: number;
  readonly foreign: number;
  /** Packets and bytes in windows. */
  readonly packets: number;
  readonly bytes: number;
  readonly windows: number;
  /** Of them not cut short. */
  readonly whole: number;
  readonly truncated: boolean;
}

/** Hears of progress: the inputs finished, and the records read in all. */
export type Progress = (inputs: number, records: number) => void;

/** Writes the windows of all inputs, in their order, as rows of a table. The table's end and the target's are the caller's affair. */
export async function featureTable(
  options: FeatureTableOptions,
  table: Table,
  target: Target,
  progress?: Progress,
): Promise<TraceReport[]> {
  const reports: TraceReport[] = [];
  let before = 0;
  for (const file of options.inputs) {
    const rows = new Rows(file, options.windows, table);
    const subject = subjectOf(file, options);
    const observer = new Observer(options.vantage, new Prefixes(options.local));
    const reader = new TraceReader(file, subject, observer, rows, { truncated: options.truncated });
    try {
      while (reader.read(STRETCH)) {
        await target.room();
        progress?.(reports.length, before + reader.packets);
      }
    } finally {
      reader.close();
    }
    rows.end();
    const { packets: records, foreign, truncated } = reader;
    if (records === 0) throw failed(file, "the capture holds no packets");
    if (!subject.appeared) throw neverAppears(file, options);
    if (rows.windows === 0) throw failed(file, `of its ${records} packets none counts`);
    const { packets, bytes, windows, whole } = rows;
    reports.push({ file, records, foreign, packets, bytes, windows, whole, truncated });
    before += records;
    await target.room();
  }
  return reports;
}

/** Cuts a trace into windows and hands them over as rows. */
class Rows implements TraceSink, WindowSink {
  windows = 0;
  whole = 0;
  packets = 0;
  bytes = 0;
  readonly #file: string;
  readonly #windows: Windows;
  readonly #table: Table;
  readonly #features = new Float64Array(FEATURES.length);

  constructor(file: string, options: WindowOptions, table: Table) {
    this.#file = file;
    this.#table = table;
    this.#windows = new Windows(options, this);
  }

  seen(observation: Observation): void {
    this.#windows.add(observation);
  }

  window(window: FeatureWindow, index: number, whole: boolean): void {
    const { packets, bytes, from } = window;
    this.windows++;
    if (whole) this.whole++;
    this.packets += packets;
    this.bytes += bytes;
    window.write(this.#features);
    this.#table.add({ file: this.#file, index, start: from / 1e6, packets, bytes, whole, features: this.#features });
  }

  end(): void {
    this.#windows.end();
  }
}

/** Whom a capture's trace is about. */
function subjectOf(file: string, options: FeatureTableOptions): Subject {
  const [address] = options.device;
  if (address === undefined) return new EverySubject();
  const mac = parseMac(address);
  if (mac !== null) return new DeviceSubject(mac);
  if (options.vantage === "wan") return new AddressSubject(new Prefixes(options.device));
  // Who reads a pipe twice reads nothing the second time.
  if (statSync(file, { throwIfNoEntry: false })?.isFile() === false) {
    throw new HushboxError("usage", `${file} is no file that can be read twice: name the device by its MAC address`);
  }
  const found = findMac(file, address);
  if (found === null) throw neverAppears(file, options);
  return new DeviceSubject(found);
}

function neverAppears(file: string, options: FeatureTableOptions): HushboxError {
  return failed(file, `${options.device.join(", ")} never appears in the capture`);
}

function failed(file: string, what: string): HushboxError {
  return new HushboxError("capture-invalid", `windows of ${file}: ${what}`);
}
