import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Labelled } from "../../src/attack/attack.js";
import { makePlan, only } from "../../src/emulator/make-plan.js";
import { writeCapture } from "../../src/emulator/synthesis.js";
import { TOPOLOGY } from "../../src/emulator/topology.js";
import { FEATURES } from "../../src/features/features.js";
import { Windows } from "../../src/features/windows.js";
import { seconds } from "../../src/time/micros.js";
import { Observer } from "../../src/trace/observer.js";
import { readTrace } from "../../src/trace/read-trace.js";
import { DeviceSubject } from "../../src/trace/subject.js";
import { parseMac } from "../../src/wire/ethernet.js";
import { Prefixes } from "../../src/wire/prefix.js";
import { labelled } from "./labelled.js";

/** The twelve features of windows of packets, from emulated captures of media, travel and utility. At most `rows` of each. */
export function emulatedTable(packets: number, rows: number): Labelled {
  const folder = mkdtempSync(join(tmpdir(), "hushbox-table-"));
  const table: number[][] = [];
  const labels: number[] = [];
  try {
    (["media", "travel", "utility"] as const).forEach((activity, label) => {
      const path = join(folder, `${activity}.pcap`);
      writeCapture(makePlan({ seed: activity, duration: seconds(1200), mixture: only(activity), scale: 1 }), path);
      let found = 0;
      const windows = new Windows(
        { cut: "packets", size: packets, direction: "both", field: "scaled" },
        {
          window: (window, _, whole) => {
            if (!whole || found++ >= rows) return;
            const row = new Float64Array(FEATURES.length);
            window.write(row);
            table.push([...row]);
            labels.push(label);
          },
        },
      );
      const mac = parseMac(TOPOLOGY.speaker.mac);
      readTrace(path, new DeviceSubject(mac ?? 0), new Observer("lan", new Prefixes([])), {
        seen: (observation) => {
          windows.add(observation);
        },
      });
      windows.end();
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return labelled(table, labels);
}
