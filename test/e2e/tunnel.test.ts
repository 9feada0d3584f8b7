// A box and a gateway with WireGuard between them, seen where the provider sits:
//
//     speaker eth0 ── in0 box(br0, hushbox) out0 ── lan0 router(NAT) wan0 ── down0 isp far0 ── net0 gateway(hushbox)
//                                                                              up0 ── net0 world(cloud)
//
// Needs root, what the laboratory needs, and WireGuard: the kernel's or wireguard-go; skipped aloud without.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import tap, { test, type Test } from "tap";
import type { Status } from "../../src/api/status.js";
import { OuterView } from "../../src/demo/outer-view.js";
import type { TunnelSeen } from "../../src/demo/report.js";
import { Capture } from "../../src/emulator/capture.js";
import { ENDPOINTS } from "../../src/emulator/endpoints.js";
import type { Summary } from "../../src/emulator/report.js";
import { OBSERVERS, TOPOLOGY } from "../../src/emulator/topology.js";
import { parseMac } from "../../src/wire/ethernet.js";
import { Prefixes } from "../../src/wire/prefix.js";
import { ROOT } from "../support/generated.js";
import type { LaboratoryBox } from "../support/laboratory-box.js";
import { TunnelStage, tunnelMissing } from "../support/tunnel-stage.js";

const PROGRAM = join(ROOT, "build/src/emulator/program.js");
/** Frames of the only size: 1420 bytes of packet, WireGuard's 32, UDP, IPv4, Ethernet. */
const FULL = 1420 + 32 + 8 + 20 + 14;
const HOME = ["192.168.0.0/16", "224.0.0.0/4", "255.255.255.255/32", "fe80::/10", "fc00::/7", "ff00::/8"];
/** How often something is restarted; HUSHBOX_RESTARTS=50 for a long run. */
const RESTARTS = Number(process.env["HUSHBOX_RESTARTS"] ?? 11);
const skip = tunnelMissing();

tap.setTimeout(600_000 + RESTARTS * 12_000);

type Tunnel = NonNullable<Status["tunnel"]>;

async function tunnelOf(box: LaboratoryBox): Promise<Tunnel> {
  const { tunnel } = (await box.ask("GET", "/api/v1/status")).body as Status;
  if (tunnel === null) throw new Error("the status tells of no tunnel");
  return tunnel;
}

async function until(what: string, holds: () => boolean | Promise<boolean>, within = 30_000): Promise<void> {
  const end = performance.now() + within;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited in vain for ${within / 1e3} s until ${what}`);
    await sleep(100);
  }
}

/** Both observers, from now on; answers what they have seen when it is called. */
async function watch({ laboratory, stage }: TunnelStage, name: string): Promise<() => Promise<TunnelSeen>> {
  const files = { wan: stage.path(`${name}-wan.pcap`), lan: stage.path(`${name}-lan.pcap`) };
  const captures = await Promise.all(
    (["wan", "lan"] as const).map((at) => {
      const { place, interface: card } = OBSERVERS[at];
      return Capture.start(laboratory, place, card, files[at], { snapLength: 128 });
    }),
  );
  return async () => {
    const counts = await Promise.all(captures.map((capture) => capture.stop()));
    if (counts.some(({ dropped }) => dropped > 0)) throw new Error("a capture lost frames");
    const { gateway, speaker } = TOPOLOGY;
    const device = parseMac(speaker.mac) ?? 0;
    const outer = new OuterView({ files, port: gateway.port, device, local: new Prefixes(HOME) });
    outer.poll();
    outer.close();
    return outer.seen();
  };
}

/** True where the device reaches the cloud. */
async function reaches({ laboratory }: TunnelStage, address: string = ENDPOINTS.voice.v4): Promise<boolean> {
  return (await laboratory.run("speaker", ["ping", "-n", "-c", "1", "-W", "1", address])).code === 0;
}

/** Everything that a device may try to get out with, without end: IPv4, IPv6, and DNS to the router's resolver, which would ask on in the open. */
function chatter({ stage }: TunnelStage): void {
  const { router } = TOPOLOGY;
  stage.start("speaker", "ping", "-n", "-q", "-i", "0.02", ENDPOINTS.voice.v4);
  stage.start("speaker", "ping", "-n", "-q", "-i", "0.02", ENDPOINTS.voice.v6);
  const script = `import socket, time
four, six = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
while True:
    for s, to in (four, ("${router.v4}", 53)), (six, ("${router.v6}", 53)), (four, ("198.18.9.9", 443)), (six, ("2001:db8::9", 443)):
        try: s.sendto(b"x" * 100, to)
        except OSError: pass
    time.sleep(0.02)`;
  stage.start("speaker", "python3", "-c", script);
}

async function cloudOf({ stage }: TunnelStage): Promise<ReturnType<TunnelStage["stage"]["start"]>> {
  const cloud = stage.start("world", process.execPath, PROGRAM, "cloud");
  await cloud.printed(/"ready":true/);
  return cloud;
}

/** Lets the emulated speaker talk, and tells of its transfers. */
async function speak(t: Test, ground: TunnelStage, seconds: number): Promise<void> {
  const cloud = await cloudOf(ground);
  const arguments_ = [PROGRAM, "speaker", "--duration", `${seconds}s`, "--seed", "tunnel"];
  const speaker = ground.stage.start("speaker", process.execPath, ...arguments_);
  const said = await speaker.text();
  // The router's resolver is not asked, whoever the device thinks that it asks: what answers is at the far end.
  const dig = ["dig", "+short", "+tries=1", `@${TOPOLOGY.router.v4}`, ENDPOINTS.voice.name];
  t.equal(
    (await ground.laboratory.run("speaker", dig)).stdout.trim(),
    ENDPOINTS.voice.v4,
    "DNS goes through the tunnel",
  );
  await sleep(1_000);
  await cloud.stop();
  for (const text of [said, await cloud.text()]) {
    const { transfers, bad, failed } = JSON.parse(text.trim().split("\n").at(-1) ?? "") as Summary;
    t.ok(transfers > 5, `${transfers} transfers`);
    t.equal(bad + failed, 0, "every hash right");
  }
}

void test(
  "outside there is one flow of one size, inside every byte is right",
  { skip, timeout: 120_000 },
  async (t) => {
    const ground = await TunnelStage.open(t, "hx-tun");
    const gateway = await ground.start(t, "gateway");
    const box = await ground.start(t, "box");
    const stop = await watch(ground, "one");
    await speak(t, ground, 15);
    const seen = await stop();
    t.same(Object.keys(seen.sizes.up), [String(FULL)], "up");
    t.same(Object.keys(seen.sizes.down), [String(FULL)], "down");
    t.ok((seen.sizes.up[FULL] ?? 0) > 500, `${seen.sizes.up[FULL] ?? 0} packets up`);
    t.equal(seen.handshake_packets, 2, "one handshake, counted");
    t.equal(seen.keepalives + seen.fragments + seen.leaked, 0, JSON.stringify(seen));

    const [near, far] = [await tunnelOf(box), await tunnelOf(gateway)];
    t.equal(near.state, "up");
    t.equal(near.handshakes, 1);
    t.ok(near.farDecoys.ours > 0, "decoys of the gateway end at the box");
    t.same(
      far.peers.map(({ name, state }) => ({ name, state })),
      [{ name: "kitchen", state: "up" }],
    );
    t.equal(
      (await ground.laboratory.run("speaker", ["ping", "-c", "1", "-W", "1", TOPOLOGY.router.v4])).code,
      0,
      "home",
    );
    const log = await box.ask("GET", "/metrics");
    t.match(String(log.body), /^hushbox_tunnel_state\{state="up"\} 1$/m);
  },
);

void test(
  "episodes between two hushboxes: slots of one size, packets share them, every byte is right",
  {
    skip,
    timeout: 120_000,
  },
  async (t) => {
    const ground = await TunnelStage.open(t, "hx-pair");
    const paired = { preset: "paired", defenses: { episode: { up: "3ms", down: "3ms" } }, budget: {} };
    const gateway = await ground.start(t, "gateway", paired);
    const box = await ground.start(t, "box", paired);
    const stop = await watch(ground, "pair");
    await speak(t, ground, 15);
    const seen = await stop();
    t.same(Object.keys(seen.sizes.up), [String(FULL)], "up");
    t.same(Object.keys(seen.sizes.down), [String(FULL)], "down");
    t.equal(seen.keepalives + seen.fragments + seen.leaked, 0, JSON.stringify(seen));
    for (const end of [box, gateway]) {
      const { up, down, tunnel } = (await end.ask("GET", "/api/v1/status")).body as Status;
      t.ok((up?.counts.packetsOut ?? 0) > 500, `${up?.counts.packetsOut ?? 0} packets in slots`);
      t.equal(up?.counts.packetsIn, (up?.counts.packetsOut ?? 0) + (up?.counts.heldPackets ?? 0), "none was lost");
      t.ok((up?.counts.decoyPackets ?? 0) > 0, "empty slots");
      t.ok((down?.counts.packetsOut ?? 0) > 500, "and taken apart at the other end");
      t.ok((tunnel?.farDecoys.ours ?? 0) > 0, "empty ones end there");
    }
  },
);

void test(
  "nothing leaves outside the tunnel, whatever is restarted",
  { skip, timeout: 120_000 + RESTARTS * 12_000 },
  async (t) => {
    const ground = await TunnelStage.open(t, "hx-kill");
    const { laboratory } = ground;
    await cloudOf(ground);
    const gateway = await ground.start(t, "gateway");
    let box = await ground.start(t, "box");
    const stop = await watch(ground, "kill");
    chatter(ground);
    const name = ground.interfaceOf("box");
    const ip = (...args: string[]) => laboratory.run("box", ["ip", ...args]);
    const restarts: readonly (readonly [string, () => Promise<unknown>])[] = [
      ["the daemon, as asked", () => box.stop()],
      ["the daemon, by kill -9", () => box.kill()],
      ["WireGuard's interface", () => ip("link", "del", name)],
      ["WireGuard's interface down", () => ip("link", "set", name, "down")],
      ["the pair", () => ip("link", "del", "hush0")],
      ["one end of the pair down", () => ip("link", "set", "hush1", "down")],
      ["the link", () => ip("link", "set", TOPOLOGY.box.outside, "down")],
      ["the bridge", () => ip("link", "set", TOPOLOGY.box.bridge, "down")],
      ["the daemon, by kill -9", () => box.kill()],
      ["the routes", () => ip("route", "flush", "table", "26741")],
      ["the routing rule", () => ip("rule", "del", "priority", "26741")],
    ];
    for (let i = 0; i < RESTARTS; i++) {
      const [what, restart] = restarts[i % restarts.length] ?? ["nothing", () => Promise.resolve()];
      await until(`the device reaches the cloud before: ${what}`, () => reaches(ground));
      await restart();
      await sleep(500);
      const { bridge, outside } = TOPOLOGY.box;
      for (const card of [outside, bridge]) await ip("link", "set", card, "up");
      await ip("route", "replace", "default", "via", TOPOLOGY.router.v4);
      await ip("-6", "addr", "replace", `${TOPOLOGY.box.v6}/64`, "dev", bridge, "nodad");
      await ip("-6", "route", "replace", "default", "via", TOPOLOGY.router.v6);
      if (!box.child.running) box = await ground.start(t, "box");
    }
    await until("the device reaches the cloud at the end", () => reaches(ground));
    await until("IPv6 does too", () => reaches(ground, ENDPOINTS.voice.v6));
    const seen = await stop();
    t.same(seen.strays, []);
    t.equal(seen.leaked, 0, `0 packets outside the tunnel through ${RESTARTS} restarts`);
    t.same(Object.keys(seen.sizes.up), [String(FULL)], JSON.stringify(seen.sizes));
    const [near, far] = [await tunnelOf(box), await tunnelOf(gateway)];
    t.ok(near.repairs > 0 || far.endpointChanges > 0, "the box repairs, the gateway follows it to other ports");

    await laboratory.run("box", ["nft", "flush", "ruleset"]);
    await until(
      "the rules are back where somebody has flushed them",
      async () => (await tunnelOf(box)).repairs > near.repairs,
    );
    t.match((await laboratory.run("box", ["nft", "list", "tables"])).stdout, /bridge hushbox_tunnel/);

    await box.stop();
    t.notOk(await reaches(ground), "without a daemon the kill switch stays");
    t.equal(
      (await laboratory.run("speaker", ["ping", "-c", "1", "-W", "1", TOPOLOGY.router.v4])).code,
      0,
      "and home works",
    );
    const down = await laboratory.run("box", [process.execPath, join(ROOT, "build/src/main.js"), "tunnel", "down"]);
    t.equal(down.code, 0, down.stderr);
    await until("somebody takes it away", () => reaches(ground));
    const left = await laboratory.run("box", ["nft", "list", "ruleset"]);
    t.equal(left.stdout, "");
  },
);

void test("a path that takes 1400 bytes: one size still, and none in pieces", { skip, timeout: 120_000 }, async (t) => {
  const ground = await TunnelStage.open(t, "hx-mtu");
  const { laboratory } = ground;
  await cloudOf(ground);
  await ground.start(t, "gateway");
  const box = await ground.start(t, "box");
  await until("the tunnel is up", () => reaches(ground));
  // The link between router and provider; who sends more through the router hears of it.
  for (const [place, card] of [
    ["router", TOPOLOGY.router.wan],
    ["isp", TOPOLOGY.isp.down],
  ] as const)
    await laboratory.run(place, ["ip", "link", "set", card, "mtu", "1400"]);
  await until("the box has learned what the path takes", async () => {
    await reaches(ground);
    return (await tunnelOf(box)).mtu === 1312;
  });
  // Both ways: the gateway must know it too.
  await until("small and large packets come through", async () => {
    const large = await laboratory.run("speaker", [
      "ping",
      "-n",
      "-c",
      "1",
      "-W",
      "1",
      "-s",
      "1200",
      ENDPOINTS.voice.v4,
    ]);
    return large.code === 0 && (await reaches(ground));
  });
  await sleep(7_000);
  const stop = await watch(ground, "mtu");
  // The last two in fragments of the device's own.
  for (const size of ["56", "1200", "1290", "3000"]) {
    const ping = ["ping", "-n", "-M", "dont", "-c", "10", "-i", "0.1", "-W", "1", "-s", size, ENDPOINTS.voice.v4];
    t.match((await laboratory.run("speaker", ping)).stdout, / 0% packet loss/, `pings of ${size} bytes`);
  }
  const seen = await stop();
  t.same(Object.keys(seen.sizes.up), [String(FULL - 108)], "one size up");
  t.same(Object.keys(seen.sizes.down), [String(FULL - 108)], "one size down");
  t.equal(seen.fragments + seen.leaked, 0, JSON.stringify(seen));
});

void test("a peer that vanishes and returns, and one of another version", { skip, timeout: 200_000 }, async (t) => {
  const ground = await TunnelStage.open(t, "hx-gone");
  await cloudOf(ground);
  let gateway = await ground.start(t, "gateway");
  const box = await ground.start(t, "box");
  await until("the tunnel is up", async () => (await reaches(ground)) && (await tunnelOf(box)).state === "up");
  const stop = await watch(ground, "gone");
  chatter(ground);

  // A decoy as a gateway of a later version would send it.
  const script = `import socket, struct
payload = struct.pack(">4sI", b"hush", 99)
udp = struct.pack(">HHHH", 9, 9, 8 + len(payload), 0) + payload
head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, socket.inet_aton("192.0.2.1"), socket.inet_aton("${TOPOLOGY.tunnel.box.v4}"))
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
s.sendto(head + udp, ("${ground.interfaceOf("gateway")}", 0x0800))`;
  t.equal((await ground.laboratory.run("gateway", ["python3", "-c", script])).stderr, "");
  await until("the box tells of the other version", async () => (await tunnelOf(box)).farDecoys.otherVersion === 1);

  await gateway.kill();
  await until("the peer is unreachable", async () => (await tunnelOf(box)).state === "unreachable", 60_000);
  t.match(String((await box.ask("GET", "/metrics")).body), /^hushbox_tunnel_state\{state="unreachable"\} 1$/m);
  t.match(box.child.said, /the tunnel's peer no longer answers/);
  gateway = await ground.start(t, "gateway");
  await until("the tunnel is up again", async () => (await tunnelOf(box)).state === "up", 60_000);
  await until("the device reaches the cloud again", () => reaches(ground));
  t.match(box.child.said, /the tunnel's peer is back/);
  const seen = await stop();
  t.equal(seen.leaked, 0, JSON.stringify(seen.strays));
  t.equal(seen.keepalives, 0, "no bare keep-alive");
  await until("the gateway has counted the handshake", async () => (await tunnelOf(gateway)).handshakes > 0);
});
