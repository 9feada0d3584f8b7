//   hx-ring-<pid>-device s0 ── p0 hx-ring-<pid>-box p1 ── k0 hx-ring-<pid>-world
//
// The packet ring on real interfaces, with the loop around it (test/support/datapath-box.ts) in the box.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tap, { test } from "tap";
import { CaptureReader } from "../../src/nic/capture-reader.js";
import { frame } from "../support/frame.js";
import { DEVICE_MAC, Spaces, spacesMissing, WORLD_IP, WORLD_IP6, WORLD_MAC } from "../support/spaces.js";
import { pause, Talking, until } from "../support/talking.js";
import type { StreamCount } from "../support/udp-stream.js";

const ROOT = join(import.meta.dirname, "../../..");
const support = (name: string): string => join(ROOT, "build/test/support", `${name}.js`);
const OTHER_MAC = "02:00:5e:30:00:02";
/** So much that steady traffic waits too. */
const JITTER = { variance: 1000, window: "100ms" };
type Counters = Record<string, number>;

function reason(): string | false {
  if (!existsSync(join(ROOT, "build/native/ring.node"))) return "needs build/native/ring.node (npm run build)";
  return spacesMissing("tcpdump");
}

interface Wanted {
  readonly macs?: readonly string[];
  readonly preset?: "off" | "paper";
  readonly defenses?: object;
  readonly nic?: object;
}

const config = ({ macs = [DEVICE_MAC], preset = "off", defenses = {}, nic = {} }: Wanted): string =>
  JSON.stringify({
    ...{ inside: "p0", outside: "p1", preset, nic, defenses },
    devices: macs.map((mac, i) => ({ name: `d${i}`, mac })),
  });

/** Every frame of a capture, in hexadecimal, from or not from the device. */
function frames(path: string, fromDevice: boolean): string[] {
  const reader = CaptureReader.open(path);
  const found: string[] = [];
  while (reader.next()) {
    const text = Buffer.from(reader.bytes.subarray(reader.at, reader.at + reader.length)).toString("hex");
    if ((text.slice(12, 24) === DEVICE_MAC.replaceAll(":", "")) === fromDevice) found.push(text);
  }
  reader.close();
  return found;
}

tap.setTimeout(180_000);

test("the packet ring", { skip: reason(), timeout: 170_000 }, async (t) => {
  const spaces = new Spaces("hx-ring");
  const directory = mkdtempSync(join(tmpdir(), "hushbox-ring-"));
  t.teardown(() => {
    spaces.remove();
    rmSync(directory, { recursive: true });
  });

  const start = async (wanted: Wanted = {}): Promise<Talking> => {
    const argv = [process.execPath, "--expose-gc", support("datapath-box"), config(wanted)];
    const box = new Talking(spaces.spawn("box", argv, { stdio: ["pipe", "pipe", "inherit"] }));
    t.equal(await box.line(), "ready");
    return box;
  };
  const stop = async (box: Talking): Promise<Counters> => {
    const counters = await box.ask<Counters>("stop");
    t.equal(await box.ended(), 0);
    return counters;
  };
  const stream = async (space: "device" | "world", rate: number, bytes: number, address = ""): Promise<Talking> => {
    const argv = [process.execPath, support("udp-stream"), "9000", String(rate), String(bytes), address].filter(
      Boolean,
    );
    const child = new Talking(spaces.spawn(space, argv, { stdio: ["pipe", "pipe", "inherit"] }));
    await child.line();
    return child;
  };
  const capture = async (space: "device" | "world", name: string, filter: string): Promise<() => Promise<string>> => {
    const file = join(directory, `${space}.pcap`);
    const argv = ["tcpdump", "-i", name, "-n", "-U", "--immediate-mode", "-Z", "root", "-w", file, filter];
    const child = spaces.spawn(space, argv, { stdio: ["ignore", "ignore", "pipe"] });
    const ended = new Promise((resolve) => child.once("close", resolve));
    await new Promise((resolve) => child.stderr?.once("data", resolve));
    return async () => {
      await pause(300);
      child.kill("SIGINT");
      await ended;
      return file;
    };
  };
  const accounted = (counters: Counters): void => {
    for (const way of ["up", "down"]) {
      const count = (name: string): number => counters[`${way}.${name}`] ?? NaN;
      const gone = ["swallowed_packets", "held_packets", "drop_oversize", "drop_queue-full", "drop_stopped"];
      t.equal(
        count("packets_in"),
        gone.reduce((sum, name) => sum + count(name), count("packets_out")),
        `${way}: every packet is accounted for`,
      );
    }
  };

  await t.test("passes 802.1Q tags as they are, though the kernel takes them out of the frame", async (t) => {
    const box = await start();
    const ends = [await capture("device", "s0", "not ip6"), await capture("world", "k0", "not ip6")];
    const tags = [[0xa007], [100, 0x6008], []].flatMap((tags) => [tags, tags]);
    for (const [space, name, ends] of [
      ["device", "s0", { source: DEVICE_MAC, destination: WORLD_MAC, from: "198.18.1.1", to: "198.18.2.1" }],
      ["world", "k0", { source: WORLD_MAC, destination: DEVICE_MAC, from: "198.18.2.1", to: "198.18.1.1" }],
    ] as const) {
      spaces.sh(space, "ip link add x0 type veth peer name x1");
      spaces.sh(space, "ip link set x0 up");
      const argv = [process.execPath, support("raw-frames"), name, "x0"];
      const sender = new Talking(spaces.spawn(space, argv, { stdio: ["pipe", "pipe", "inherit"] }));
      t.equal(await sender.line(), "ready");
      const all = tags.map((tags, i) => frame({ ...ends, tags, payload: new Uint8Array(i * 100).fill(i) }));
      // 802.1ad has a type of its own (IEEE 802.1Q, table 9-1); an outermost tag of either kind is taken out.
      const ad = frame({ ...ends, tags: [9, 10] });
      ad.set([0x88, 0xa8], 12);
      sender.say([...all, ad].map((bytes) => Buffer.from(bytes).toString("hex")).join("\n"));
      sender.close();
      t.equal(await sender.line(), "7");
      spaces.sh(space, "ip link del x0");
    }
    const [device = "", world = ""] = await Promise.all(ends.map((end) => end()));
    for (const up of [true, false]) {
      const before = frames(up ? device : world, up);
      t.equal(before.length, 7);
      t.same(frames(up ? world : device, up), before, up ? "up" : "down");
      t.ok(
        before.some((text) => text.slice(24, 32) === "8100a007"),
        "priority 5, VLAN 7",
      );
      t.ok(
        before.some((text) => text.slice(24, 40) === "88a800098100000a"),
        "802.1ad with a tag inside",
      );
    }
    accounted(await stop(box));
  });

  const echo = async (
    address: string,
    bytes: number,
    patience = 20_000,
  ): Promise<{ same: boolean; seconds: number }> => {
    const server = new Talking(
      spaces.spawn("world", [process.execPath, support("tcp-echo"), "9001"], { stdio: ["ignore", "pipe", "inherit"] }),
    );
    await server.line();
    const argv = [process.execPath, support("tcp-echo"), "9001", String(bytes), address];
    const client = new Talking(spaces.spawn("device", argv, { stdio: ["ignore", "pipe", "inherit"] }));
    const late = setTimeout(() => {
      client.signal("SIGKILL");
    }, patience);
    const line = await client.line();
    clearTimeout(late);
    server.signal("SIGKILL");
    return line.startsWith("{")
      ? (JSON.parse(line) as { same: boolean; seconds: number })
      : { same: false, seconds: NaN };
  };

  await t.test("completes the checksums that a neighbour on a virtual link leaves to hardware", async (t) => {
    for (const [space, name] of [
      ["device", "s0"],
      ["world", "k0"],
    ] as const)
      spaces.sh(space, `ethtool -K ${name} tx on sg on tso off gso off`);
    const box = await start();
    for (const address of [WORLD_IP, WORLD_IP6])
      t.match(await echo(address, 2_000_000), { same: true }, `2 MB over TCP to ${address} and back`);
    const counters = await stop(box);
    t.ok((counters["inside.partialChecksum"] ?? 0) > 2_000, `inside: ${counters["inside.partialChecksum"]}`);
    t.ok((counters["outside.partialChecksum"] ?? 0) > 2_000, `outside: ${counters["outside.partialChecksum"]}`);
    t.ok((counters["checksums_completed"] ?? 0) > 4_000);
    t.equal((counters["inside.refused"] ?? 0) + (counters["outside.refused"] ?? 0), 0);
    accounted(counters);
  });

  await t.test("counts frames that segmentation offload made longer than any card can send", async (t) => {
    spaces.sh("device", "ethtool -K s0 tx on sg on tso on gso on");
    const box = await start();
    await echo(WORLD_IP, 300_000, 1_500);
    t.ok(await until(async () => ((await box.ask<Counters>("counters"))["inside.oversize"] ?? 0) > 0));
    const counters = await stop(box);
    t.equal(counters["inside.oversize"], (counters["up.drop_oversize"] ?? 0) + (counters["outside.refused"] ?? 0));
    accounted(counters);
    for (const [space, name] of [
      ["device", "s0"],
      ["world", "k0"],
    ] as const)
      spaces.sh(space, `ethtool -K ${name} tx off tso off gso off`);
  });

  await t.test("does not pass on what its slots cut", async (t) => {
    const mtu = (bytes: number): void => {
      for (const [space, name] of [
        ["device", "s0"],
        ["box", "p0"],
        ["box", "p1"],
        ["world", "k0"],
      ] as const)
        spaces.sh(space, `ip link set ${name} mtu ${bytes}`);
    };
    mtu(2100);
    const box = await start();
    const end = await capture("world", "k0", "icmp");
    t.match(spaces.ping(2, WORLD_IP, "-s", "1900"), / 0% packet loss/, "an MTU somewhat above 1500 will do");
    for (const size of ["1941", "1970", "2002", "2030"])
      t.match(spaces.ping(1, WORLD_IP, "-W", "0.3", "-s", size), / 100% packet loss/, size);
    const counters = await stop(box);
    const lengths = frames(await end(), true).map((frame) => frame.length / 2);
    t.same(lengths, [1942, 1942]);
    t.equal(counters["up.drop_oversize"], 4);
    t.equal(counters["inside.oversize"], 4);
    accounted(counters);
    mtu(1500);
  });

  await t.test("hears its devices and nobody else, and itself never", async (t) => {
    // The world is a switch that sends back what it hears, as some access points do.
    spaces.sh("world", "ip link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0");
    spaces.sh("world", "ip link set k0 master br0");
    spaces.sh("world", "bridge link set dev k0 hairpin on");
    spaces.sh("world", "ip link set br0 up");
    spaces.sh("world", `ip addr del ${WORLD_IP}/24 dev k0`);
    spaces.sh("world", `ip addr add ${WORLD_IP}/24 dev br0`);
    const ends = [await capture("device", "s0", ""), await capture("world", "k0", "")];
    const box = await start();
    t.match(spaces.ping(20), / 0% packet loss/);
    t.notMatch(spaces.ping(2), /DUP!/);
    spaces.ping(5, "198.18.0.255", "-b", "-W", "0.1");
    const counters = await stop(box);
    const [device = "", world = ""] = await Promise.all(ends.map((end) => end()));
    const up = frames(device, true);
    t.ok(up.filter((frame) => frame.startsWith("ffffffffffff")).length >= 5, "broadcasts were among them");
    t.equal(up.length, new Set(up).size, "the device has none of its own frames back");
    t.ok(frames(world, true).length > up.length, "though the switch sent them back");
    const received = counters["inside.received"] ?? 0;
    t.ok(received >= 27 && received <= up.length, `the box took each once: ${received} of ${up.length}`);
    accounted(counters);
    spaces.sh("world", "ip link del br0");
    spaces.sh("world", `ip addr add ${WORLD_IP}/24 dev k0`);

    const other = await start({ macs: [OTHER_MAC] });
    t.match(spaces.ping(5, WORLD_IP, "-W", "0.2"), /100% packet loss/, "a stranger is not carried");
    await pause(300);
    t.match(await other.ask<Counters>("counters"), { "inside.received": 0, "up.packets_in": 0 }, "not even looked at");
    t.ok((await other.ask<number>(`apply ${config({ macs: [OTHER_MAC, DEVICE_MAC] })}`)) < 100);
    t.match(spaces.ping(20), / 0% packet loss/, "added while it runs");
    t.ok((await other.ask<number>(`apply ${config({ macs: [OTHER_MAC] })}`)) < 100);
    t.match(spaces.ping(5, WORLD_IP, "-W", "0.2"), /100% packet loss/, "and taken away");
    accounted(await stop(other));
  });

  await t.test("takes changes over in the midst of traffic, in a moment, losing and reordering nothing", async (t) => {
    const strong = { jitter: JITTER, decoy: { window: "100ms", variance: 64 } };
    const paper = (defenses: object, macs = [DEVICE_MAC]): string =>
      config({ preset: "paper", defenses: { ...strong, ...defenses }, macs });
    // Jitter and decoys stay long enough to have something to draw from, and are changed and switched off in the midst of it.
    const choices = [
      paper({}),
      paper({ pad: { target: "max" } }),
      paper({}, [DEVICE_MAC, OTHER_MAC]),
      paper({}, [OTHER_MAC, DEVICE_MAC]),
      paper({ pad: { enabled: false } }),
      paper({ pad: { target: "600B" } }),
      paper({}),
      paper({ decoy: { enabled: false } }),
      paper({ decoy: { kinds: ["udp"], variance: 2 } }),
      config({}),
    ];
    const box = await start();
    const world = await stream("world", 1_000, 200);
    const device = await stream("device", 1_000, 200, WORLD_IP);
    const took: number[] = [];
    for (let i = 0; i < 80; i++) {
      await pause(50);
      took.push(await box.ask<number>(`apply ${choices[i % choices.length] ?? ""}`));
    }
    const [up, down] = await Promise.all([device.end<StreamCount>(), world.end<StreamCount>()]);
    const counters = await stop(box);
    took.sort((a, b) => a - b);
    const [median = NaN, high = NaN] = [took[40], took[76]];
    // Both cores may have other work meanwhile: of a hundred changes five may be late.
    t.ok(median < 20 && high < 100, `p50 ${median.toFixed(1)} ms, p95 ${high.toFixed(1)} ms of ${took.length} changes`);
    t.ok(up.sent > 2_000 && down.sent > 2_000, `${up.sent} up, ${down.sent} down`);
    t.match(up, { received: down.sent, duplicated: 0, reordered: 0 }, "down");
    t.match(down, { received: up.sent, duplicated: 0, reordered: 0 }, "up");
    t.ok((counters["up.delayed_packets"] ?? 0) > 500, "packets were held when it changed");
    t.ok(
      (counters["up.decoy_packets"] ?? 0) > 0 && (counters["down.swallowed_packets"] ?? 0) > 0,
      "decoys, and answers",
    );
    t.equal(counters["applied"], 80 + 1);
    accounted(counters);
  });

  await t.test("survives an interface that goes down, goes away, and comes back", async (t) => {
    const box = await start();
    const counters = (): Promise<Counters> => box.ask<Counters>("counters");
    const state = (side: string, up: 0 | 1, downs: number): Promise<boolean> =>
      until(async () => {
        const all = await counters();
        return all[`${side}.up`] === up && all[`${side}.downs`] === downs;
      });
    t.match(spaces.ping(3), / 0% packet loss/);
    for (const [side, card] of [
      ["outside", "p1"],
      ["inside", "p0"],
    ] as const) {
      spaces.sh("box", `ip link set ${card} down`);
      t.ok(await state(side, 0, 1), `${side} down is noticed`);
      spaces.sh("box", `ip link set ${card} up`);
      t.ok(await state(side, 1, 1), `${side} up is noticed`);
      t.match(spaces.ping(5), / 0% packet loss/, "packets flow again");

      const flood = spaces.spawn("device", ["ping", "-q", "-i", "0.002", WORLD_IP], { stdio: "ignore" });
      await pause(300);
      spaces.sh("box", `ip link set ${card} down`);
      t.ok(await state(side, 0, 2), `${side} down in the midst of traffic`);
      spaces.sh("box", `ip link set ${card} up`);
      t.ok(await state(side, 1, 2));
      flood.kill("SIGINT");
      t.match(spaces.ping(5), / 0% packet loss/, "packets flow again");

      spaces.sh("box", `ip link del ${card}`);
      t.ok(await state(side, 0, 3), `${side} gone is noticed`);
      t.equal((await box.ask<number>(`apply ${config({})}`)) < 100, true, "a change meanwhile is taken over");
      await pause(300);
      spaces.wire(side);
      t.ok(await state(side, 1, 3), `another ${card} is taken up`);
      t.match(spaces.ping(5), / 0% packet loss/, "packets flow again");
      // At once another one in its place: the old one's number is gone, its name is not.
      spaces.sh("box", `ip link del ${card}`);
      spaces.wire(side);
      t.ok(await until(() => spaces.ping(1, WORLD_IP, "-W", "0.2").includes(" 0% packet loss")), "a quick change too");
    }
    const last = await stop(box);
    accounted(last);
    t.match(last, { "inside.up": 1, "outside.up": 1 });
  });

  await t.test("tells what the kernel dropped because the loop stood still", async (t) => {
    const sent = (): number => Number(spaces.sh("device", "cat /sys/class/net/s0/statistics/tx_packets"));
    const before = sent();
    const box = await start({ nic: { slots: 64 } });
    const device = await stream("device", 2_000, 100, WORLD_IP);
    await pause(300);
    box.signal("SIGSTOP");
    await pause(700);
    box.signal("SIGCONT");
    await device.end();
    await until(async () => (await box.ask<Counters>("counters"))["inside.received"] !== 0);
    await pause(300);
    const counters = await stop(box);
    t.ok((counters["inside.dropped"] ?? 0) > 500, `${counters["inside.dropped"]} of them`);
    t.equal(
      (counters["inside.received"] ?? 0) + (counters["inside.dropped"] ?? 0),
      sent() - before,
      "not one more or less",
    );
    t.equal(counters["inside.received"], counters["up.packets_in"]);
    accounted(counters);
  });

  await t.test("stops in the midst of traffic, and counts what it held", async (t) => {
    const box = await start({
      preset: "paper",
      defenses: { jitter: { ...JITTER, maxDelay: "200ms" } },
    });
    const world = await stream("world", 500, 200);
    const device = await stream("device", 500, 200, WORLD_IP);
    const held = async (): Promise<number> => (await box.ask<Counters>("counters"))["up.held_packets"] ?? 0;
    // Gaps give jitter something to draw from.
    for (let i = 0; i < 40 && (await held()) < 20; i++) {
      device.signal("SIGSTOP");
      await pause(60);
      device.signal("SIGCONT");
      await pause(90);
    }
    const counters = await stop(box);
    await Promise.all([device.end(), world.end()]);
    t.ok((counters["up.drop_stopped"] ?? 0) > 0, `${counters["up.drop_stopped"]} were held`);
    t.equal(counters["up.held_packets"], 0);
    t.equal(
      counters["outside.sent"],
      (counters["up.packets_out"] ?? 0) + (counters["up.decoy_packets"] ?? 0),
      "whatever left the datapath left the card",
    );
    accounted(counters);
  });
});
