// The preset `standalone` with the emulated speaker, seen behind the router's address translation, which drops what is invalid:
//
//     speaker eth0 ── in0 box(hushbox) out0 ── lan0 router(NAT) wan0 ── down0 isp up0 ── net0 world(cloud)
//
// Needs root and what the laboratory needs; skipped aloud without.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import tap, { test } from "tap";
import { Capture } from "../../src/emulator/capture.js";
import type { Summary } from "../../src/emulator/report.js";
import { OBSERVERS, type Place } from "../../src/emulator/topology.js";
import { Child } from "../bench/child.js";
import { BadLink } from "../support/bad-link.js";
import { boxMissing } from "../support/box-missing.js";
import { ROOT } from "../support/generated.js";
import { LaboratoryBox } from "../support/laboratory-box.js";
import { Stage } from "../support/stage.js";
import { wanView } from "../support/wan-view.js";

const PROGRAM = join(ROOT, "build/src/emulator/program.js");
const SECONDS = 30;
/** How long packets may still be on their way when the speaker has ended. */
const SETTLE_MS = 1_500;
const FULL = 1514;
const TRIP = { delay: 10_000, loss: 0, reorder: 0 };
const skip = boxMissing(["tcpdump", "ping", "openssl"]);

tap.setTimeout(130_000);

void test("behind the router nothing but counts and times is left", { skip, timeout: 120_000 }, async (t) => {
  const stage = await Stage.open(t, "hx-std");
  const { directory, laboratory } = stage;
  // A path takes its time: without any, the device's timers are shorter than what pace delays, and it sends much again.
  const link = await BadLink.lay(laboratory);
  t.teardown(() => link.stop());
  await link.start({ seed: "standalone", up: TRIP, down: TRIP });
  const start = (place: Place, ...args: string[]): Child => stage.start(place, process.execPath, PROGRAM, ...args);
  const cloud = start("world", "cloud");
  await cloud.printed(/"ready":true/);
  const box = await LaboratoryBox.start(laboratory, join(directory, "box"), { preset: "standalone" });
  t.teardown(() => box.stop());
  const { place, interface: name } = OBSERVERS.wan;
  const capture = await Capture.start(laboratory, place, name, join(directory, "wan.pcap"), { snapLength: 192 });

  const speaker = start("speaker", "speaker", "--duration", `${SECONDS}s`, "--seed", "standalone");
  const said = await speaker.text();
  await sleep(SETTLE_MS);
  const { dropped } = await capture.stop();
  await cloud.stop();
  const summaries = [said, await cloud.text()].map(
    (text) => JSON.parse(text.trim().split("\n").at(-1) ?? "") as Summary,
  );
  const rules = await laboratory.run("router", ["nft", "list", "chain", "inet", "hushbox_lab", "pass"]);
  const { body: metrics } = await box.ask("GET", "/metrics");
  const seen = wanView(capture.file, [FULL]);

  t.equal(dropped, 0, "the observer missed nothing");
  for (const { transfers, bad, failed } of summaries) {
    t.ok(transfers > 5, `${transfers} transfers`);
    t.equal(bad + failed, 0, "every hash right");
  }
  t.match(rules.stdout, /ct state invalid counter packets 0 bytes 0 drop/, "no packet was invalid to the router");

  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  const rest = `of ${seen.restPackets} packets up without SYN, third ACK and RST`;
  const found = seen.examples.map(
    ({ kind, length, flow, number, since, sent, unacknowledged }) =>
      `${kind} of ${length} bytes, packet ${number}, ${flow}, ${(since / 1e3).toFixed(0)} ms after the one before, ${sent} sent, ${unacknowledged} not acknowledged`,
  );
  t.ok(seen.restPackets > 500, `${seen.restPackets} packets up`);
  t.ok(
    seen.restAtTarget / seen.restPackets >= 0.994,
    `${percent(seen.restAtTarget / seen.restPackets)} ${rest} have the target length`,
  );
  t.same(found, [], `not at the target, in all: ${JSON.stringify(seen.exceptions)}`);
  // Each connection has two packets that are a frame header and 40 to 60 bytes: what they are among all is what there is to see.
  const share = (seen.packets - seen.atTarget) / seen.packets;
  const bound = FULL * Math.sqrt(share * (1 - share));
  t.ok(
    seen.stdLength <= bound,
    `std_len_pack over all ${seen.packets}: ${seen.stdLength.toFixed(1)}, at most ${bound.toFixed(1)}`,
  );
  t.ok(share < 0.03, `${percent(share)} of all have another length: ${JSON.stringify(seen.exceptions)}`);
  t.equal(seen.stdLengthRest, 0, "std_len_pack over the rest");
  t.equal(seen.stdWindow, 0, `std_window; windows seen: ${JSON.stringify(seen.windows)}`);
  const mechanisms = String(metrics).match(/^hushbox_defense_(padded_packets|given_up|cleaned)_total.*$/gm) ?? [];
  t.comment(mechanisms.join("\n"));
});
