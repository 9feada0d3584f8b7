import { parseArgs } from "node:util";
import { complete } from "../config/defaults.js";
import { HushboxError } from "../errors/hushbox-error.js";
import type { WindowOptions } from "../features/windows.js";
import { featureTable, type FeatureTableOptions, type TraceReport } from "../lab/feature-table.js";
import type { Table } from "../lab/table.js";
import { TargetFile } from "../lab/target-file.js";
import { TargetStream } from "../lab/target-stream.js";
import type { Target } from "../lab/target.js";
import { csvTable, jsonTable } from "../lab/text-table.js";
import { formatDuration } from "../time/duration.js";
import { micros } from "../time/micros.js";
import { parseMac } from "../wire/ethernet.js";
import { parsePrefix } from "../wire/prefix.js";
import type { Command } from "./command.js";
import { oneOf } from "./one-of.js";
import { Progress } from "./progress.js";
import { windowCut } from "./window-cut.js";

const SECOND = 1000;
const FORMATS = ["csv", "parquet"] as const;
type Format = (typeof FORMATS)[number];

/** `hushbox features`: captures as tables of windows. */
export const command: Command = {
  summary: "the twelve statistics of each window of a capture, as an observer would work them out",
  usage: `Usage: hushbox features IN… [--window N|TIME|trace] [--device ADDR] [--out FILE.csv|FILE.parquet] [options]

Cuts each capture IN (pcap or pcapng, Ethernet, also .gz and .xz) into windows and writes a row for each: file, index,
start (epoch seconds), packets, bytes, whole (false: cut short by the capture's end), and the twelve features that a
classifier learns from. Without --out the rows go to standard output, as CSV. One pass, constant memory.

  --window W      N: every N packets (default 500, from where on the paper's attacks pass 90 %)
                  TIME: as 30s or 5min, counted from the capture's first packet
                  trace: each capture is one window
  --device ADDR   the device's MAC address, or one of its IP addresses: what others send and get is left out. At wan an
                  address that the house shows, and another --device for the next. Default: every packet counts
  --direction D   both (default), up or down: which packets count; up and down need --device
  --vantage V     who observes. lan: every frame of the capture, as it is (default)
                  wan: a capture from behind the router, IP packets only
                  beyond: a capture from before the router as seen behind it: what stays in the local network or
                  dies at the router is left out, lengths are those of IP packets and a 14-byte header
  --local NET     for beyond: a network that no packet leaves the house for, as 2001:db8:1::/64; given once or more,
                  they replace the default, all private and multicast networks
  --field F       TCP windows as they stand in the header (raw, the default) or scaled by the handshake: raw is what
                  any observer has of any connection, scaled is not known where the handshake was not captured
  --truncated T   what to do with a capture that ends within a packet. error (default), or end: take what is whole
  --out FILE      .csv or .parquet; it appears when it is whole, or not at all
  --json          with --out: what was written, as one object; without: the rows, one object a line

Examples:
  hushbox features speaker.pcap --window 500 --device 192.168.77.10 --direction up --out up.csv
  hushbox features captures/*.pcap.xz --window trace --out traces.parquet --json
`,
  run,
};

async function run(args: string[]): Promise<number> {
  const { values, positionals: inputs } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      window: { type: "string", default: "500" },
      device: { type: "string", multiple: true, default: [] },
      direction: { type: "string", default: "both" },
      vantage: { type: "string", default: "lan" },
      local: { type: "string", multiple: true },
      field: { type: "string", default: "raw" },
      truncated: { type: "string", default: "error" },
      out: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  if (inputs.length === 0) throw wrong("it takes one capture or more");
  const { device, local = [...LOCAL], out, json } = values;
  const direction = oneOf("direction", ["both", "up", "down"], values.direction);
  const vantage = oneOf("vantage", ["lan", "wan", "beyond"], values.vantage);
  const field = oneOf("field", ["raw", "scaled"], values.field);
  const truncated = oneOf("truncated", ["error", "end"], values.truncated);
  checkDevice(device, direction, vantage);
  for (const network of local) {
    if (parsePrefix(network) === null) throw wrong(`--local: "${network}" is no network such as 192.168.0.0/16`);
  }
  const windows: WindowOptions = { ...windowCut(values.window), direction, field };
  const format = out === undefined ? null : formatOf(out);
  const options: FeatureTableOptions = { inputs, device, vantage, local, windows, truncated };

  const target = out === undefined ? new TargetStream(process.stdout) : new TargetFile(out);
  const start = performance.now();
  const progress = new Progress("hushbox features");
  const traces = await write(options, target, format ?? (json ? "json" : "csv"), (done, records) => {
    progress.tell((seconds) => {
      const rate = number(Math.round(records / seconds));
      return `${number(done)} of ${number(inputs.length)} captures, ${number(records)} packets, ${rate} packets/s`;
    });
  });
  for (const { file, records } of traces.filter(({ truncated }) => truncated)) {
    console.error(`hushbox features: ${file} ends within a packet; windows of the ${records} before it`);
  }
  if (out === undefined) return 0;
  const report = summary(out, traces, performance.now() - start);
  console.log(json ? JSON.stringify({ ...report, inputs: traces }) : inWords(report, windows));
  return 0;
}

async function write(
  options: FeatureTableOptions,
  target: Target,
  format: Format | "json",
  progress: (inputs: number, records: number) => void,
): Promise<TraceReport[]> {
  try {
    const table = await tableOf(format, target);
    const traces = await featureTable(options, table, target, progress);
    table.end();
    await target.finish();
    return traces;
  } catch (error) {
    target.discard();
    if (error instanceof HushboxError && error.code === "capture-truncated") {
      throw new HushboxError(error.code, `${error.message}; --truncated end takes what is whole`, error);
    }
    throw error;
  }
}

async function tableOf(format: Format | "json", target: Target): Promise<Table> {
  if (format === "csv") return csvTable(target);
  if (format === "json") return jsonTable(target);
  // Nobody else needs its library.
  const { ParquetTable } = await import("../lab/parquet-table.js");
  return new ParquetTable(target);
}

/** The default networks of the configuration. */
const LOCAL = complete({ inside: "inside", outside: "outside", devices: [] }).local.networks;

function checkDevice(device: readonly string[], direction: string, vantage: string): void {
  for (const address of device) {
    const isIp = !address.includes("/") && parsePrefix(address) !== null;
    if (parseMac(address) === null && !isIp)
      throw wrong(`--device: "${address}" is neither a MAC address nor an IP address`);
    if (device.length > 1 && (vantage !== "wan" || !isIp)) {
      throw wrong("--device is given once; more than once only the IP addresses of a house at --vantage wan");
    }
  }
  if (device.length > 0) return;
  if (direction !== "both") throw wrong(`--direction ${direction} needs --device: whose packets go ${direction}?`);
  if (vantage === "beyond") throw wrong("--vantage beyond needs --device: which packets leave the house?");
}

function formatOf(out: string): Format {
  const found = FORMATS.find((format) => out.endsWith(`.${format}`));
  if (found === undefined) throw wrong(`--out ${out}: its name is to end in .csv or .parquet`);
  return found;
}

interface Summary {
  readonly out: string;
  readonly windows: number;
  readonly whole: number;
  readonly packets: number;
  readonly bytes: number;
  readonly records: number;
  readonly foreign: number;
  readonly seconds: number;
}

function summary(out: string, traces: readonly TraceReport[], milliseconds: number): Summary {
  const sum = (of: (trace: TraceReport) => number): number => traces.reduce((all, trace) => all + of(trace), 0);
  return {
    out,
    windows: sum(({ windows }) => windows),
    whole: sum(({ whole }) => whole),
    packets: sum(({ packets }) => packets),
    bytes: sum(({ bytes }) => bytes),
    records: sum(({ records }) => records),
    foreign: sum(({ foreign }) => foreign),
    seconds: Number((milliseconds / SECOND).toFixed(3)),
  };
}

function inWords(report: Summary, { cut, size }: WindowOptions): string {
  const of = { packets: `of ${number(size)} packets`, time: `of ${formatDuration(micros(size))}`, trace: "of a trace" };
  return [
    `${report.out}: ${number(report.windows)} windows ${of[cut]}, ${number(report.windows - report.whole)} of them cut short`,
    `${number(report.packets)} packets, ${number(report.bytes)} bytes; ${number(report.foreign)} packets of others left out`,
  ].join("\n");
}

function number(value: number): string {
  return value.toLocaleString("en");
}

function wrong(what: string): HushboxError {
  return new HushboxError("usage", what);
}
