// A box and a gateway with WireGuard between them, seen where the provider sits:
//
//     speaker eth0 ── in0 box(br0, hushbox) out0 ── lan0 router(NAT) wan0 ── down0 isp far0 ── net0 gateway(hushbox)
//                                                                           up0 ── net0 world(cloud)
//
// Needs root, what the laboratory needs, and WireGuard: the kernel's or wireguard-go; skipped aloud without.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import tap, { test } from "tap";
import type { Status } from "../../src/api/status.js";
import { Capture } from "../../src/emulator/capture.js";
import { ENDPOINTS } from "../../src/emulator/endpoints.js";
import { OBSERVERS } from "../../src/emulator/topology.js";
import { ROOT } from "../support/generated.js";
import { TunnelStage, tunnelMissing } from "../support/tunnel-stage.js";

const PROGRAM = join(ROOT, "build/src/emulator/program.js");
const skip = tunnelMissing();

tap.setTimeout(180_000);

void test("first light", { skip, timeout: 120_000 }, async (t) => {
  const ground = await TunnelStage.open(t, "hx-tun");
  const { laboratory, stage } = ground;
  const cloud = stage.start("world", process.execPath, PROGRAM, "cloud");
  await cloud.printed(/"ready":true/);
  const gateway = await ground.start(t, "gateway");
  const box = await ground.start(t, "box");
  const { place, interface: name } = OBSERVERS.wan;
  const capture = await Capture.start(laboratory, place, name, stage.path("wan.pcap"), { snapLength: 96 });
  const ping = await laboratory.run("speaker", ["ping", "-c", "5", "-i", "0.3", "-W", "2", ENDPOINTS.voice.v4]);
  t.comment(ping.stdout);
  const ping6 = await laboratory.run("speaker", ["ping", "-6", "-c", "3", "-i", "0.3", "-W", "2", ENDPOINTS.voice.v6]);
  t.comment(ping6.stdout);
  await sleep(3000);
  t.comment(JSON.stringify(await capture.stop()));
  const { body } = await box.ask("GET", "/api/v1/status");
  t.comment(JSON.stringify((body as Status).tunnel, null, 1));
  t.comment(JSON.stringify(((await gateway.ask("GET", "/api/v1/status")).body as Status).tunnel, null, 1));
  t.comment(JSON.stringify((body as Status).cards, null, 0));
  const seen = await laboratory.run("isp", ["tcpdump", "-nr", stage.path("wan.pcap")]);
  t.comment(seen.stdout);
  for (const p of ["box", "gateway"] as const) t.comment((await laboratory.run(p, ["nft", "list", "ruleset"])).stdout);
  for (const p of ["box", "gateway"] as const)
    t.comment((await laboratory.run(p, ["ip", "route", "show", "table", "all"])).stdout);
});
