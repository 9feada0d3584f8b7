// Captures: read, write, and through both file cards, packets a second: node build/test/bench/capture.js [packets]
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CaptureReader } from "../../src/nic/capture-reader.js";
import { PcapFileCards } from "../../src/nic/pcap-file.js";
import { PcapWriter } from "../../src/nic/pcap-writer.js";
import { Pool } from "../../src/packet/pool.js";
import { NEVER } from "../../src/time/micros.js";
import { TCP } from "../../src/wire/protocol.js";
import { frame } from "../support/frame.js";

const packets = Number(process.argv[2] ?? 1_000_000);
const directory = mkdtempSync(join(tmpdir(), "hushbox-bench-"));
const path = join(directory, "in.pcap");

function measure(what: string, body: () => number): void {
  for (let run = 0; run < 3; run++) {
    const start = process.hrtime.bigint();
    const n = body();
    const seconds = Number(process.hrtime.bigint() - start) / 1e9;
    console.log(`${what.padEnd(40)}${(n / seconds / 1e6).toFixed(2).padStart(8)} M packets/s`);
  }
}

// Sizes as a speaker has them: two thirds small, one third full.
const up = frame({ payload: new Uint8Array(40) });
const down = frame({ source: "02:00:00:00:00:02", protocol: TCP, payload: new Uint8Array(1400) });
try {
  measure("write", () => {
    const writer = new PcapWriter(path);
    for (let i = 0; i < packets; i++) {
      const bytes = i % 3 === 0 ? down : up;
      writer.write(1.7e15 + i * 10, bytes, 0, bytes.length);
    }
    writer.close();
    return packets;
  });
  console.log(`${String(Math.round(statSync(path).size / 1e6))} MB`);
  measure("read", () => {
    const reader = CaptureReader.open(path);
    while (reader.next());
    reader.close();
    return reader.packets;
  });
  const into = new Uint8Array(2048);
  measure("read and copy", () => {
    const reader = CaptureReader.open(path);
    while (reader.next(into));
    reader.close();
    return reader.packets;
  });
  measure("both cards, forwarded, written out", () => {
    const pool = new Pool(64);
    const writer = new PcapWriter(join(directory, "out.pcap"));
    const cards = new PcapFileCards(
      { path, device: "02:00:00:00:00:01" },
      { pool, outputs: { inside: writer, outside: writer } },
    );
    while (!cards.exhausted) {
      cards.turn(NEVER);
      for (let p = cards.inside.receive(); p !== null; p = cards.inside.receive()) cards.outside.send(p);
      for (let p = cards.outside.receive(); p !== null; p = cards.outside.receive()) cards.inside.send(p);
    }
    cards.close();
    writer.close();
    return cards.packets;
  });
} finally {
  rmSync(directory, { recursive: true });
}
