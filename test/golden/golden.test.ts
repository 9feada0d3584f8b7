// Captures through the whole datapath, byte for byte. After a change that is meant to change them:
//   node build/test/golden/golden.test.js --regen
// rewrites the folders here; the diff of counters.json is what a reviewer reads.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "tap";
import { ConfigFile } from "../../src/config/config-file.js";
import { compile } from "../../src/config/settings.js";
import { Counters } from "../../src/datapath/counters.js";
import { Datapath } from "../../src/datapath/datapath.js";
import { runToEnd } from "../../src/lab/virtual-run.js";
import { CaptureReader } from "../../src/nic/capture-reader.js";
import { PcapFileCards } from "../../src/nic/pcap-file.js";
import { PcapWriter } from "../../src/nic/pcap-writer.js";
import { Pool } from "../../src/packet/pool.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
import { ROOT } from "../support/generated.js";
import { CASES, DEVICE, type Case, type Given } from "../support/golden-cases.js";

const GOLDEN = join(ROOT, "test/golden");
/** One that lets exactly the decoys leave that the names say. */
const SEED = "g1";
const START = 1_750_000_000e6;
const regenerating = process.argv.includes("--regen");

const folder = mkdtempSync(join(tmpdir(), "hushbox-golden-"));
process.on("exit", () => {
  rmSync(folder, { recursive: true, force: true });
});

/** What the box sends, both ways, of what `input` brings; and all it counted that is not zero. */
async function run(configPath: string, input: string, output: string): Promise<Record<string, number>> {
  const pool = new Pool(512);
  const writer = new PcapWriter(output);
  const outputs = { inside: writer, outside: writer };
  const cards = new PcapFileCards({ path: input, device: DEVICE }, { pool, outputs });
  const counters = new Counters();
  const modules = { pool, cards, random: new SeededRandom(SEED), counters, tap: null, queue: 256 };
  const datapath = new Datapath(compile(ConfigFile.read(configPath).config).datapath, null, modules, cards.now);
  await runToEnd(datapath, cards, counters);
  cards.close();
  writer.close();
  // How often the loop turned and when it did so last are no result.
  const results = Object.entries(counters.snapshot()).filter(([name, n]) => n !== 0 && !/turn|month/.test(name));
  return Object.fromEntries(results);
}

function write(path: string, frames: readonly Given[]): void {
  const writer = new PcapWriter(path);
  for (const { at, bytes, cut = bytes.length } of frames) {
    writer.write(START + Math.round(at * 1e6), bytes, 0, Math.min(cut, bytes.length), 0, bytes.length);
  }
  writer.close();
}

function read(path: string): Given[] {
  const reader = CaptureReader.open(path);
  const frames: Given[] = [];
  while (reader.next()) {
    frames.push({ at: (reader.time - START) / 1e6, bytes: reader.bytes.slice(reader.at, reader.at + reader.length) });
  }
  reader.close();
  return frames;
}

/** The frames that went out and never came in, without their trailers' help: decoys end in random bytes. */
function decoysOf(given: readonly Given[], sent: readonly Given[]): Given[] {
  return sent.filter(({ bytes }) => !given.some((frame) => frame.bytes.every((byte, i) => bytes[i] === byte)));
}

async function regenerate({ name, config, frames }: Case): Promise<void> {
  const at = join(GOLDEN, name);
  mkdirSync(at, { recursive: true });
  const [configPath, input, output] = [join(at, "config.yaml"), join(at, "in.pcap"), join(at, "out.pcap")];
  writeFileSync(configPath, config);
  const alone = frames([]);
  write(input, alone);
  await run(configPath, input, output);
  write(input, frames(decoysOf(alone, read(output))));
  const counters = await run(configPath, input, output);
  writeFileSync(join(at, "counters.json"), JSON.stringify(counters, null, 2) + "\n");
}

if (regenerating) for (const one of CASES) await regenerate(one);

void test("every golden folder is a case, and every case has its folder", (t) => {
  const folders = readdirSync(GOLDEN, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  t.same(folders.map(({ name }) => name).sort(), CASES.map(({ name }) => name).sort());
  t.end();
});

for (const { name } of CASES) {
  void test(name, async (t) => {
    const at = (file: string): string => join(GOLDEN, name, file);
    if (!existsSync(at("counters.json"))) {
      t.fail("not there: make it with --regen");
      return;
    }
    const output = join(folder, `${name}.pcap`);
    const counters = await run(at("config.yaml"), at("in.pcap"), output);
    t.same(counters, JSON.parse(readFileSync(at("counters.json"), "utf8")), "the counters");
    const [sent, golden] = [read(output), read(at("out.pcap"))];
    t.same(sent, golden, "the frames that leave, and when");
    t.ok(readFileSync(output).equals(readFileSync(at("out.pcap"))), "byte for byte");

    const [before = "", after = ""] = name.split("-out-");
    const numbers = (text: string): number[] => (text.match(/\d+/g) ?? []).map(Number);
    t.equal(read(at("in.pcap")).length, numbers(before)[0], "as many frames in as the name says");
    t.equal(
      sent.length,
      numbers(after).reduce((sum, n) => sum + n, 0),
      "and as many out",
    );
  });
}
