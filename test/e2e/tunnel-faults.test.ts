// What goes wrong with a tunnel, and how that is told: in the status, the metrics and the log. The laboratory is that of tunnel.test.ts;
// the second machine with the box's key is in the world.
//
// Needs root, what the laboratory needs, and WireGuard: the kernel's or wireguard-go; skipped aloud without.
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import tap, { test, type Test } from "tap";
import type { Status } from "../../src/api/status.js";
import { startStockPeer } from "../../src/emulator/stock-peer.js";
import { wgFiles } from "../../src/emulator/wireguard.js";
import { Capture } from "../../src/emulator/capture.js";
import { OuterView } from "../../src/demo/outer-view.js";
import { OBSERVERS, TOPOLOGY } from "../../src/emulator/topology.js";
import { parseMac } from "../../src/wire/ethernet.js";
import { Prefixes } from "../../src/wire/prefix.js";
import { ROOT } from "../support/generated.js";
import type { LaboratoryBox } from "../support/laboratory-box.js";
import { TunnelStage, tunnelMissing } from "../support/tunnel-stage.js";

const skip = tunnelMissing();
/** A test that takes a minute: there with HUSHBOX_LONG=1. */
const long = (name: string, body: (t: Test) => Promise<void>): void => {
  if (process.env["HUSHBOX_LONG"] !== undefined) void test(name, { skip }, body);
};
/** A heartbeat each second, so that nobody waits for the usual one. */
const PAIRED = { preset: "paired", defenses: { episode: { heartbeat: "1s" } } };

tap.setTimeout(300_000);

async function statusOf(box: LaboratoryBox): Promise<NonNullable<Status["tunnel"]>> {
  const { tunnel } = (await box.ask("GET", "/api/v1/status")).body as Status;
  if (tunnel === null) throw new Error("the status tells of no tunnel");
  return tunnel;
}

/** Waits until these are the problems, by name and peers. */
async function problems(box: LaboratoryBox, ...wanted: string[]): Promise<void> {
  const end = performance.now() + 90_000;
  for (;;) {
    const { problems: found } = await statusOf(box);
    const names = found.map(({ problem, peers }) => [problem, ...peers].join(" "));
    if (JSON.stringify(names.sort()) === JSON.stringify(wanted.sort())) return;
    if (performance.now() > end) throw new Error(`waited in vain for ${wanted.join()}: ${names.join()}`);
    await sleep(200);
  }
}

/** A hushbox as another release of it would be: its carriers have the next version. */
function otherRelease(folder: string): string {
  for (const part of ["build/src", "build/native", "package.json"])
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const file = join(folder, "build/src/tunnel/carrier.js");
  const text = readFileSync(file, "utf8").replace("export const VERSION = 1;", "export const VERSION = 2;");
  writeFileSync(file, text);
  return join(folder, "build/src/main.js");
}

void test("another version, a spent month, a stock peer where a hushbox is to be", { skip }, async (t) => {
  const ground = await TunnelStage.open(t, "hx-fault");
  const { laboratory, stage } = ground;
  const gateway = await ground.start(t, "gateway", PAIRED, otherRelease(stage.path("other")));
  const box = await ground.start(t, "box", { ...PAIRED, budget: { perMonth: "500kB/month" } });
  const captures = await Promise.all(
    (["wan", "lan"] as const).map((at) => {
      const { place, interface: card } = OBSERVERS[at];
      return Capture.start(laboratory, place, card, stage.path(`${at}.pcap`), { snapLength: 128 });
    }),
  );
  stage.start("speaker", "ping", "-n", "-q", "-i", "0.2", "198.18.9.9");

  await problems(box, "other-version", "budget-spent");
  await problems(gateway, "other-version kitchen");
  for (const end of [box, gateway]) {
    t.match(end.child.said, /"level":"error".*speaks another version of carriers: install the same release/);
    t.match(String((await end.ask("GET", "/metrics")).body), /^hushbox_tunnel_problem\{problem="other-version"\} 1$/m);
  }
  t.match(box.child.said, /the month's budget is spent: no decoy episode begins/);

  await gateway.stop();
  await startStockPeer(laboratory, `hs${process.pid}`, ground.file("gateway"));
  await problems(box, "silent", "budget-spent");
  t.equal((await statusOf(box)).state, "up", "WireGuard answers");
  t.match(box.child.said, /WireGuard's peer answers, but no hushbox behind it/);
  t.match(box.child.said, /"problem":"other-version","msg":"a problem of the tunnel is over"|over.*other-version/);
  const config = join(stage.directory, "box/hushbox.yaml");
  const said = await laboratory.run("box", [
    process.execPath,
    join(ROOT, "build/src/main.js"),
    "status",
    "--config",
    config,
  ]);
  t.match(said.stdout, /^tunnel up .*wireguard|^tunnel up .*kernel/m);
  t.match(said.stdout, /^ {2}silent: WireGuard's peer answers, but no hushbox behind it/m);
  t.match(said.stdout, /^ {2}budget-spent: /m);

  const counts = await Promise.all(captures.map((capture) => capture.stop()));
  t.ok(counts.every(({ dropped }) => dropped === 0));
  const outer = new OuterView({
    files: { wan: stage.path("wan.pcap"), lan: stage.path("lan.pcap") },
    port: TOPOLOGY.gateway.port,
    device: parseMac(TOPOLOGY.speaker.mac) ?? 0,
    local: new Prefixes(["192.168.0.0/16", "224.0.0.0/4", "fe80::/10", "fc00::/7", "ff00::/8"]),
  });
  outer.poll();
  outer.close();
  t.same(outer.seen().strays, [], "nothing of the device went another way");
});

long("two machines with one key: the gateway says whose it is", async (t) => {
  const files = wgFiles();
  const ground = await TunnelStage.open(t, "hx-twice", files);
  const { laboratory, stage } = ground;
  const gateway = await ground.start(t, "gateway", PAIRED);
  const box = await ground.start(t, "box", PAIRED);
  await problems(box);
  const twin = `ht${process.pid}`;
  stage.keep(
    stage.start(
      "world",
      "sh",
      "-c",
      `
set -e
ip link add "$1" type wireguard 2>/dev/null || wireguard-go "$1"
grep -viE '^ *(Address|DNS|MTU) *=' "$2" | wg setconf "$1" /dev/stdin
ip addr add ${TOPOLOGY.tunnel.box.v4}/32 dev "$1"
ip link set "$1" mtu 1420 up
ip route add ${TOPOLOGY.tunnel.gateway.v4}/32 dev "$1"
exec ping -n -q -i 0.5 ${TOPOLOGY.tunnel.gateway.v4}`,
      "sh",
      twin,
      ground.file("box"),
    ),
  );
  t.teardown(() => laboratory.run("world", ["ip", "link", "del", twin]));
  await problems(gateway, "shared-key kitchen");
  t.match(gateway.child.said, /where two machines use one key by turns/);
  t.match(String((await gateway.ask("GET", "/metrics")).body), /^hushbox_tunnel_problem\{problem="shared-key"\} 1$/m);
});

long("a key that is not the gateway's: unreachable, with what to compare", async (t) => {
  const ground = await TunnelStage.open(t, "hx-key");
  await ground.start(t, "gateway", PAIRED);
  ground.write("box", wgFiles().box);
  const box = await ground.start(t, "box", PAIRED);
  // WireGuard asks where there is something to send.
  await problems(box, "unreachable 0-0-0-0");
  t.equal((await statusOf(box)).state, "unreachable");
  t.match(box.child.said, /compare its Endpoint, both public keys and the firewall/);
});
