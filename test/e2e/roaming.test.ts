// Addresses change while a device talks through preset paired. The laboratory is that of tunnel.test.ts; the gateway has a second line, so
// that servers still know it by its address when that of its tunnel changes, and the box knows it by name alone.
//
//     speaker ── box ── router (NAT) ── isp ── world
//      TCP, UDP  (a)      (b)            ├─ far0 ── net0 gateway (c)
//                                        └─ far1 ── net1
//
// Needs root, what the laboratory needs, and WireGuard: the kernel's or wireguard-go; skipped aloud without.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import tap, { test, type Test } from "tap";
import type { Status } from "../../src/api/status.js";
import { OuterView } from "../../src/demo/outer-view.js";
import { Capture } from "../../src/emulator/capture.js";
import { ENDPOINTS } from "../../src/emulator/endpoints.js";
import { OBSERVERS, TOPOLOGY, type Place } from "../../src/emulator/topology.js";
import { wgFiles } from "../../src/emulator/wireguard.js";
import { parseMac } from "../../src/wire/ethernet.js";
import { Prefixes } from "../../src/wire/prefix.js";
import { ROOT } from "../support/generated.js";
import type { LaboratoryBox } from "../support/laboratory-box.js";
import type { SteadyEcho } from "../support/steady-echo.js";
import type { StreamCount } from "../support/udp-stream.js";
import { TunnelStage, tunnelMissing } from "../support/tunnel-stage.js";

const skip = tunnelMissing();
/** A heartbeat each second and denser slots than usual, so that little time goes by; all else as it is. */
const PAIRED = { preset: "paired", defenses: { episode: { heartbeat: "1s", up: "5ms", down: "5ms" } }, budget: {} };
/** Frames of the only size: 1420 bytes of packet, WireGuard's 32, UDP, IPv4, Ethernet. */
const FULL = 1420 + 32 + 8 + 20 + 14;
const NAME = "far.hushbox.test";
const [TCP_PORT, UDP_PORT] = [4001, 4002];
/** Of TCP, so many bytes after a change show that it goes on. */
const GOES_ON = 40_000;
const support = (name: string): string => join(ROOT, "build/test/support", name);

tap.setTimeout(400_000);

async function tunnelOf(box: LaboratoryBox): Promise<NonNullable<Status["tunnel"]>> {
  const { tunnel } = (await box.ask("GET", "/api/v1/status")).body as Status;
  if (tunnel === null) throw new Error("the status tells of no tunnel");
  return tunnel;
}

/** The names that programs in a place know, besides those of this machine's resolver. */
function names(t: Test, { laboratory }: TunnelStage, place: Place): (address: string) => void {
  const folder = join("/etc/netns", laboratory.namespaces[place]);
  mkdirSync(folder, { recursive: true });
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return (address) => {
    // In place: programs that run have this very file.
    writeFileSync(join(folder, "hosts"), `127.0.0.1 localhost\n${address} ${NAME}\n`);
  };
}

void test("addresses change, sessions go on", { skip, timeout: 380_000 }, async (t) => {
  const { box: near, router, isp, gateway: far, speaker, world } = TOPOLOGY;
  const files = wgFiles();
  const ground = await TunnelStage.open(t, "hx-roam", {
    ...files,
    box: files.box.replace(`Endpoint = ${far.v4}:`, `Endpoint = ${NAME}:`),
  });
  const { laboratory, stage } = ground;
  const ip = async (place: Place, ...lines: string[]): Promise<void> => {
    const { code, stderr } = await laboratory.run(place, ["ip", "-batch", "-"], { input: `${lines.join("\n")}\n` });
    if (code !== 0) throw new Error(`${place}: ${stderr}`);
  };
  await ip(
    "isp",
    `link add far1 type veth peer name net1 netns ${laboratory.namespaces.gateway}`,
    "link set far1 up",
    "addr add 100.64.3.1/30 dev far1",
  );
  await ip(
    "gateway",
    "link set net1 up",
    "addr add 100.64.3.2/30 dev net1",
    `route del default via ${isp.far4}`,
    "route add default via 100.64.3.1 dev net1",
    // WireGuard answers by the card that it was called by.
    `route add default via ${isp.far4} dev ${far.net} metric 100`,
  );
  const named = names(t, ground, "box");
  named(far.v4);
  await ground.start(t, "gateway", { ...PAIRED, inside: "net1", outside: "net1" });
  const box = await ground.start(t, "box", PAIRED);
  const captures = await Promise.all(
    (["wan", "lan"] as const).map((at) => {
      const { place, interface: card } = OBSERVERS[at];
      return Capture.start(laboratory, place, card, stage.path(`${at}.pcap`), { snapLength: 128 });
    }),
  );

  const tcpServer = stage.start("world", process.execPath, support("tcp-echo.js"), String(TCP_PORT));
  const stream = [String(UDP_PORT), "20", "200"];
  const udpServer = stage.start("world", process.execPath, support("udp-stream.js"), ...stream);
  await Promise.all([tcpServer.printed(/ready/), udpServer.printed(/ready/)]);
  const { v4: address, v6 } = world;
  const tcp = stage.start("speaker", process.execPath, support("steady-echo.js"), String(TCP_PORT), address);
  const udp = stage.start("speaker", process.execPath, support("udp-stream.js"), ...stream, address);
  // It would go another way if there were one: by IPv6 too, and to the router's resolver, which would ask on in the open.
  stage.start("speaker", "ping", "-n", "-q", "-i", "0.2", v6);
  const asks = `while :; do dig +tries=1 +time=1 @${router.v4} ${ENDPOINTS.voice.name} >/dev/null; sleep 0.2; done`;
  stage.start("speaker", "sh", "-c", asks);

  const echoed = (): number => Number(tcp.said.trim().split("\n").at(-1) ?? 0);
  const goesOn = async (within: number): Promise<void> => {
    const before = echoed();
    await tcp.until(() => echoed() > before + GOES_ON, "go on", within);
    await box.child.until(async () => (await tunnelOf(box)).state === "up", "find its tunnel up", 10_000);
  };
  const states = new Set<string>();
  const look = setInterval(() => {
    void tunnelOf(box).then(
      ({ state }) => states.add(state),
      () => undefined,
    );
  }, 500);
  t.teardown(() => {
    clearInterval(look);
  });
  await goesOn(40_000);

  // (a) The box has another address. Where the kernel says that the network is unreachable of an address that is gone, wireguard-go 0.0.20220316
  // goes on only with the next handshake, after the 15 s in which WireGuard waits for an answer.
  const [own, other] = [near.v4, near.v4.replace(/\d+$/, "3")];
  await ip(
    "box",
    `addr del ${own}/24 dev ${near.bridge}`,
    `addr add ${other}/24 dev ${near.bridge}`,
    `route replace default via ${router.v4}`,
  );
  await goesOn(40_000);

  // (b) The router has another address, and so the NAT another mapping.
  await ip("isp", `addr add 198.51.100.5/30 dev ${isp.down}`);
  await ip(
    "router",
    `addr add 198.51.100.6/30 dev ${router.wan}`,
    "route replace default via 198.51.100.5",
    `addr del ${router.wan4}/30 dev ${router.wan}`,
  );
  await goesOn(40_000);

  // (c) The gateway has another address, and its name says so.
  const moved = "100.64.2.6";
  await ip("isp", `addr add 100.64.2.5/30 dev ${isp.far}`);
  await ip(
    "gateway",
    `addr add ${moved}/30 dev ${far.net}`,
    `addr del ${far.v4}/30 dev ${far.net}`,
    `route replace default via 100.64.2.5 dev ${far.net} metric 100`,
  );
  named(moved);
  // TCP tries again ever more seldom: after 27 s without an answer it may wait for as many more.
  await goesOn(120_000);
  t.ok(states.has("unreachable"), "that is told");
  t.match(box.child.said, /no longer answers.*\n(.*\n)*.*100\.64\.2\.6:.*looked for at another address/);
  t.match((await tunnelOf(box)).peers, [{ state: "up", endpoint: `${moved}:${far.port}` }]);
  t.notMatch(box.child.said, /"problem":/, "nothing else is taken for the cause");

  // What has piled up is still to come, and where a packet of it is lost TCP waits for as long as the silences have taught it: 27 s were seen.
  await Promise.all([tcp.stop(90_000), udp.stop(), udpServer.stop()]);
  const last = (text: string): unknown => JSON.parse(text.trim().split("\n").at(-1) ?? "");
  const echo = last(await tcp.text()) as SteadyEcho;
  t.match(echo, { same: true, broke: null }, `one connection through all of it: ${JSON.stringify(echo)}`);
  const [out, back] = [last(await udp.text()), last(await udpServer.text())] as [StreamCount, StreamCount];
  t.ok(
    out.latest > back.sent - 60 && back.latest > out.sent - 60,
    `to the last second: ${JSON.stringify([out, back])}`,
  );
  t.equal(out.duplicated + back.duplicated, 0);

  await sleep(500);
  const counts = await Promise.all(captures.map((capture) => capture.stop()));
  t.ok(counts.every(({ dropped }) => dropped === 0));
  const outer = new OuterView({
    files: { wan: stage.path("wan.pcap"), lan: stage.path("lan.pcap") },
    port: far.port,
    device: parseMac(speaker.mac) ?? 0,
    local: new Prefixes(["192.168.0.0/16", "224.0.0.0/4", "fe80::/10", "fc00::/7", "ff00::/8"]),
  });
  outer.poll();
  outer.close();
  const seen = outer.seen();
  t.same(Object.keys(seen.sizes.up), [String(FULL)], "one size up");
  t.same(Object.keys(seen.sizes.down), [String(FULL)], "one size down");
  t.same(seen.strays, [], "nothing of the device went another way");
  t.equal(seen.keepalives + seen.fragments, 0, JSON.stringify(seen));
});
