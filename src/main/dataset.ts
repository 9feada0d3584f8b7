import { basename, resolve } from "node:path";
import { parseArgs } from "node:util";
import { HushboxError } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import { checkDataset, type CheckReport } from "../lab/dataset/check-dataset.js";
import { importDataset, type Found, type ImportReport } from "../lab/dataset/import-dataset.js";
import { echoWords, findEcho } from "../lab/dataset/import-echo.js";
import { findInFolder, type FolderOptions, type SetWords } from "../lab/dataset/import-folder.js";
import { findInTable } from "../lab/dataset/import-table.js";
import type { Command } from "./command.js";
import { Progress } from "./progress.js";
import { wholeNumber } from "./whole-number.js";

/** `hushbox dataset`: labelled captures for features and attacks. */
export const command: Command = {
  summary: "make a manifest of labelled captures, or check one",
  usage: `Usage: hushbox dataset import folder|csv|echo SRC --out DIR [options]
       hushbox dataset check MANIFEST [--json]

A data set is a manifest: one YAML file that lists captures with what was going on (label), what a split must never
cut (group) and whether all that is real. import makes one from captures that are there; check reads one through.

  folder SRC       a folder for each class, captures anywhere below it. The label is the class's folder; the group is
                   the other folders on the way (round1/day2), or the file's name where there are none
  csv SRC          a table with the columns file and label, and perhaps group, device, from and to
  echo SRC         labels.csv with captures.tar.xz and traces.tar.xz; the group is the query

  --out DIR        where manifest.yaml goes, and unpacked copies of what is packed (.xz, .gz, archives). Other
                   captures stay where they are. The same command goes on where it was cut off
  --device ADDR    the speaker's MAC or IP address; default: found in each capture by its traffic
  --level N        folder: how deep the classes' folders lie (default 1: directly below SRC)
  --group RULE     folder: folder (default), file (each capture by itself), or a regular expression in slashes whose
                   first parentheses find the group in the path, such as '/day(\\d+)/'
  --form FORM      echo: captures (default), spans (each invocation and the quiet behind it) or traces (the CSV
                   traces, written as captures of one connection that tells only times, lengths and directions)
  --name TEXT      what reports call the set, and --origin TEXT, --licence TEXT: where it comes from, under what terms
  --emulated       the captures are not of a real device
  --skip-bad       leave out captures that are cut off, empty or without the device, and say which
  --json           print what was done as one object

Examples:
  hushbox dataset import folder google-home-pcap --out ~/lab/google-home --group '/(day\\d+)/'
  hushbox dataset check ~/lab/google-home/manifest.yaml
`,
  run,
};

const OPTIONS = {
  out: { type: "string" },
  device: { type: "string" },
  level: { type: "string", default: "1" },
  group: { type: "string", default: "folder" },
  form: { type: "string", default: "captures" },
  name: { type: "string" },
  origin: { type: "string" },
  licence: { type: "string" },
  emulated: { type: "boolean", default: false },
  "skip-bad": { type: "boolean", default: false },
  json: { type: "boolean", default: false },
} as const;

type Values = ReturnType<typeof parse>["values"];

function parse(args: string[]) {
  return parseArgs({ args, allowPositionals: true, options: OPTIONS });
}

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse(args);
  const [what, ...more] = positionals;
  if (what === "import") return await imports(more, values);
  if (what === "check") return check(more, values.json);
  throw wrong(
    what === undefined ? "what is to be done: import or check?" : `there is no "${what}"; there are import and check`,
  );
}

async function imports([kind, source, ...more]: string[], values: Values): Promise<number> {
  if (kind === undefined || source === undefined || more.length > 0) throw wrong("import takes a kind and a source");
  const { out } = values;
  if (out === undefined) throw wrong("--out is missing: a folder for the manifest and for what is unpacked");
  const progress = new Progress("hushbox dataset");
  const found = await find(kind, source, out, values, progress);
  const report = await importDataset(found, { out, skipBad: values["skip-bad"] }, (done, all) => {
    progress.tell(() => `${done} of ${all} captures`);
  });
  for (const line of report.leftOut) console.error(`hushbox dataset: left out: ${line}`);
  console.log(values.json ? JSON.stringify(report) : inWords(report));
  return 0;
}

async function find(kind: string, source: string, out: string, values: Values, progress: Progress): Promise<Found> {
  const { device = null, form } = values;
  const words: SetWords = {
    name: values.name ?? basename(resolve(source)),
    real: !values.emulated,
    origin: values.origin ?? `imported from ${basename(resolve(source))}`,
    licence: values.licence ?? "not stated",
  };
  switch (kind) {
    case "folder":
      return findInFolder(source, words, { ...folderOptions(values), device });
    case "csv":
      return findInTable(source, words, device);
    case "echo": {
      if (form !== "captures" && form !== "spans" && form !== "traces")
        throw wrong(`--form is captures, spans or traces, not "${form}"`);
      const known = await echoWords(source);
      const { name = known.name, origin = known.origin, licence = known.licence } = values;
      return await findEcho(source, out, { name, real: true, origin, licence }, form, (done, all) => {
        progress.tell(() => `${done} of ${all} captures unpacked`);
      });
    }
    default:
      throw wrong(`there is no kind "${kind}"; there are folder, csv and echo`);
  }
}

function folderOptions({ level, group }: Values): Pick<FolderOptions, "level" | "group"> {
  const depth = wholeNumber("level", level, 1);
  if (group === "folder" || group === "file") return { level: depth, group };
  const pattern = /^\/(.+)\/$/.exec(group)?.[1];
  if (pattern === undefined) throw wrong(`--group is folder, file or /a pattern/, not "${group}"`);
  try {
    return { level: depth, group: new RegExp(pattern) };
  } catch (cause) {
    throw wrong(`--group ${group}: ${messageOf(cause)}`);
  }
}

function check([manifest, ...more]: string[], json: boolean): number {
  if (manifest === undefined || more.length > 0) throw wrong("check takes one manifest");
  const progress = new Progress("hushbox dataset");
  const report = checkDataset(manifest, (done, all) => {
    progress.tell(() => `${done} of ${all} captures`);
  });
  console.log(json ? JSON.stringify(report) : checked(report));
  return 0;
}

function inWords(report: ImportReport): string {
  const { manifest, real, captures, packets, bytes, labels, tasks, reused } = report;
  const names = Object.entries(labels).map(([label, count]) => `${label} ${count}`);
  return [
    `${manifest}: ${captures} entries, ${packets} packets, ${bytes} bytes, ${real ? "real" : "emulated"}`,
    `labels  ${names.length > 12 ? `${names.slice(0, 12).join(", ")} and ${names.length - 12} more` : names.join(", ")}`,
    `tasks   ${[...tasks, "labels"].join(", ")}`,
    ...(reused > 0 ? [`reused  ${reused} captures that were read before`] : []),
  ].join("\n");
}

function checked({ name, real, tasks, labels }: CheckReport): string {
  const rows = Object.entries(labels).map(([label, { entries, groups, packets, bytes, seconds }]) =>
    [label.padEnd(32), entries, groups, packets, bytes, Math.round(seconds)]
      .map((cell) => String(cell).padStart(10))
      .join(" "),
  );
  const head = ["label".padEnd(32), "entries", "groups", "packets", "bytes", "seconds"].map((cell) =>
    cell.padStart(10),
  );
  return [`${name}, ${real ? "real" : "emulated"}; tasks: ${tasks.join(", ")}`, head.join(" "), ...rows].join("\n");
}

function wrong(what: string): HushboxError {
  return new HushboxError("usage", what);
}
