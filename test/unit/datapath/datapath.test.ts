import { test } from "tap";
import { parse } from "../../../src/wire/ipv4.js";
import { ICMP, TCP } from "../../../src/wire/protocol.js";
import { micros, millis, seconds } from "../../../src/time/micros.js";
import { parseMac } from "../../../src/wire/ethernet.js";
import { ALL, BUDGET, Box, DEVICE, OFF, options, ROUTER } from "../../support/box.js";
import { frame, over } from "../../support/frame.js";
import { BRIDGE } from "../../support/take-over-twin.js";

const up = (extra = {}): Uint8Array =>
  frame({ source: DEVICE, destination: ROUTER, from: "192.168.1.5", to: "198.51.100.7", ...extra });
const down = (extra = {}): Uint8Array =>
  frame({ source: ROUTER, destination: DEVICE, from: "198.51.100.7", to: "192.168.1.5", ...extra });

test("off: both directions pass untouched and at once", async (t) => {
  const box = new Box(options(OFF));
  box.cards.inside.push(up(), micros(10));
  box.cards.outside.push(down(), micros(20));
  box.run(millis(1));
  t.same(
    box.cards.outside.sent.map(({ at, bytes }) => [at, Buffer.compare(bytes, up())]),
    [[10, 0]],
  );
  t.same(
    box.cards.inside.sent.map(({ at, bytes }) => [at, Buffer.compare(bytes, down())]),
    [[20, 0]],
  );
  t.equal(box.pool.available, box.pool.capacity, "every slot is back");
});

test("frames of nobody we know, and frames that are not IP, pass untouched and are counted", async (t) => {
  const box = new Box(options(ALL));
  const strange = Uint8Array.from([...up().subarray(0, 12), 0x88, 0x8e, 1, 2, 3]);
  const foreign = frame({ source: "02:00:00:00:00:99", destination: ROUTER });
  box.cards.inside.push(strange, micros(1));
  box.cards.inside.push(foreign, micros(2));
  box.run(millis(1));
  t.equal(box.cards.outside.sent.length, 2);
  t.equal(box.cards.outside.sent[0]?.bytes.length, 1514, "the device's frame has its trailer");
  t.same(box.cards.outside.sent[0]?.bytes.subarray(0, strange.length), strange);
  t.same(box.cards.outside.sent[1]?.bytes, foreign);
  t.equal(box.count("up.unknown_packets"), 1);
});

test("a frame that no card can send again is dropped and counted", async (t) => {
  const box = new Box(options(OFF));
  box.cards.inside.push(up(), micros(1), 9000);
  box.run(millis(1));
  t.equal(box.cards.outside.sent.length, 0);
  t.equal(box.count("up.drop_oversize"), 1);
  t.equal(box.pool.available, box.pool.capacity);
});

test("a checksum left to hardware is completed", async (t) => {
  const box = new Box(options(OFF));
  const whole = up({ protocol: TCP });
  const partial = Uint8Array.from(whole);
  over(partial).setUint16(14 + 20 + 16, 0x1234);
  box.cards.inside.push(partial, micros(1), partial.length, true);
  box.run(millis(1));
  t.same(box.cards.outside.sent[0]?.bytes, whole);
  t.equal(box.count("checksums_completed"), 1);
});

test("local traffic is padded but does not wait behind delayed packets, unless it is told to", async (t) => {
  for (const delayLocal of [false, true]) {
    const box = new Box(
      options({ ...OFF, pad: ALL.pad, jitter: { ...ALL.jitter, variance: 1000 } }, BUDGET, delayLocal),
      {
        seed: "local",
      },
    );
    // Uneven gaps over several windows give std_ipt a variance, and so the jitter a scale.
    let at = 0;
    for (let i = 0; i < 400; i++) {
      at += i % 40 === 0 ? 300_000 : 4_000 * (1 + (i % 7));
      box.cards.inside.push(up(), micros(at));
      box.cards.inside.push(up({ to: "192.168.1.77" }), micros(at));
    }
    box.drain();
    const local = box.cards.outside.sent.filter(({ bytes }) => over(bytes).getUint32(30) === parse("192.168.1.77"));
    t.equal(local.length, 400);
    t.ok(
      box.cards.outside.sent.every(({ bytes }) => bytes.length === 1514),
      "every frame has one size",
    );
    const held = box.count("up.delayed_packets");
    if (delayLocal) t.ok(held > 400, `local packets wait too: ${String(held)}`);
    else t.ok(held > 0 && held <= 400, `only the others wait: ${String(held)}`);
  }
});

const PHONE = "02:00:00:00:00:03";
const SECOND = "02:00:00:00:00:04";
const NEW = "02:00:00:00:00:05";
/** A bridge that sends frames back inside, where all but the router are. */
const HAIRPIN = {
  ...BRIDGE,
  hairpin: true,
  inside: [DEVICE, PHONE, SECOND].map((mac) => parseMac(mac) ?? 0),
  outside: [parseMac(ROUTER) ?? 0],
};

test("between two stations: back out of the inside card, and nowhere else", async (t) => {
  const wanted = options(ALL);
  const [device] = wanted.devices;
  if (device === undefined) throw new Error("no device");
  // A pair of speakers, and addresses that are the Internet's by their look.
  const box = new Box(
    { ...wanted, devices: [device, { ...device, name: "second", mac: SECOND }] },
    { seed: "between" },
  );
  box.datapath.share(HAIRPIN);
  const out = up({ destination: PHONE });
  const back = frame({ source: PHONE, destination: DEVICE, from: "198.51.100.7", to: "192.168.1.5" });
  const pair = up({ destination: SECOND });
  [out, back, pair].forEach((bytes, i) => {
    box.cards.inside.push(bytes, micros(10 + i));
  });
  box.run(millis(1));
  t.same(box.cards.outside.sent, []);
  const sent = box.cards.inside.sent.map(({ at, bytes }) => [at, bytes.length]);
  t.same(sent, [
    [10, 1514],
    [11, back.length],
    [12, 1514],
  ]);
  t.same(box.cards.inside.sent[0]?.bytes.subarray(0, out.length), out);
  t.same(box.cards.inside.sent[1]?.bytes, back);
  t.same([box.count("up.between_packets"), box.count("down.between_packets")], [2, 1]);
  t.same([box.count("up.local_packets"), box.count("down.local_packets")], [2, 1], "no router sees them");
  t.match(box.datapath.devices(box.now), [
    { packetsUp: 2, packetsDown: 1 },
    { packetsUp: 0, packetsDown: 0 },
  ]);
  box.drain();
  t.equal(box.count("up.decoy_packets"), 0, "a station is no place for decoys");
  t.equal(box.pool.available, box.pool.capacity);
});

test("a group's frame and one for a station that nobody has seen leave both ways, once each", async (t) => {
  const box = new Box(options(ALL));
  box.datapath.share(HAIRPIN);
  const group = up({ destination: "01:00:5e:00:00:fb", to: "224.0.0.251" });
  const unknown = up({ destination: NEW, to: "192.168.1.7" });
  const router = up();
  [group, unknown, router].forEach((bytes, i) => {
    box.cards.inside.push(bytes, micros(10 + i));
  });
  box.run(millis(1));
  const cut = ({ bytes }: { bytes: Uint8Array }, i: number): Uint8Array =>
    bytes.subarray(0, [group, unknown, router][i]?.length);
  t.same(box.cards.outside.sent.map(cut), [group, unknown, router]);
  t.same(box.cards.inside.sent.map(cut), [group, unknown]);
  for (const { bytes } of [...box.cards.outside.sent, ...box.cards.inside.sent]) t.equal(bytes.length, 1514);
  t.equal(box.count("up.packets_out"), 3, "counted once");
  t.equal(box.count("up.between_packets"), 2);
  t.equal(box.pool.available, box.pool.capacity);
});

test("a device that is outside: what stations send to it is the bridge's", async (t) => {
  const box = new Box(options(OFF));
  box.datapath.share({ ...HAIRPIN, inside: HAIRPIN.inside.slice(1), outside: [parseMac(DEVICE) ?? 0] });
  box.cards.inside.push(frame({ source: PHONE, destination: DEVICE }), micros(1));
  box.run(millis(1));
  t.same([box.cards.inside.sent, box.cards.outside.sent], [[], []]);
  t.equal(box.pool.available, box.pool.capacity);
});

test("what would leave both ways and has no slot for that is dropped and counted", async (t) => {
  const box = new Box(options(OFF), { slots: 1 });
  box.datapath.share(HAIRPIN);
  box.cards.inside.push(up({ destination: "ff:ff:ff:ff:ff:ff" }), micros(1));
  box.run(millis(1));
  t.same([box.cards.inside.sent, box.cards.outside.sent], [[], []]);
  t.same([box.count("up.drop_no-slot"), box.count("up.drop_queue-full")], [1, 0]);
  t.equal(box.pool.available, 1);
});

test("frames between stations wait in their order where local traffic is delayed", async (t) => {
  const jitter = { ...ALL.jitter, variance: 1e6, window: millis(200), maxDelay: millis(500) };
  const box = new Box(options({ ...OFF, jitter }, BUDGET, true), { seed: "stations" });
  box.datapath.share(HAIRPIN);
  const total = 2000;
  let at = 0;
  for (let i = 0; i < total; i++) {
    at += (i * i) % 101 === 0 ? 60_000 : 2_000 * (1 + (i % 3));
    const destination = [PHONE, ROUTER, "ff:ff:ff:ff:ff:ff"][i % 3] ?? "";
    box.cards.inside.push(up({ sourcePort: i, destination, to: "192.168.1.77" }), micros(at));
  }
  box.drain();
  t.ok(box.count("up.delayed_packets") > 1000);
  const ports = (side: "inside" | "outside"): number[] =>
    box.cards[side].sent.map(({ bytes }) => over(bytes).getUint16(34));
  const all = Array.from({ length: total }, (_, i) => i);
  t.same(
    ports("inside"),
    all.filter((i) => i % 3 !== 1),
  );
  t.same(
    ports("outside"),
    all.filter((i) => i % 3 !== 0),
  );
  t.equal(box.pool.available, box.pool.capacity);
});

test("without a bridge that sends back, everything that comes in inside leaves outside", async (t) => {
  const box = new Box(options(OFF));
  for (const bridge of [HAIRPIN, { ...HAIRPIN, hairpin: false }, null]) box.datapath.share(bridge);
  const frames = [up({ destination: PHONE }), up({ destination: "ff:ff:ff:ff:ff:ff" })];
  for (const bytes of frames) box.cards.inside.push(bytes, micros(1));
  box.run(millis(1));
  t.same(
    box.cards.outside.sent.map(({ bytes }) => bytes),
    frames,
  );
  t.same(box.cards.inside.sent, []);
  t.equal(box.count("up.between_packets"), 0);
});

test("a full queue drops, counts and frees", async (t) => {
  const box = new Box(options({ ...OFF, jitter: { ...ALL.jitter, variance: 1e6, maxDelay: seconds(1) } }), {
    queue: 8,
  });
  let at = 0;
  for (let i = 0; i < 3000; i++) {
    at += i % 100 === 0 ? 500_000 : 700 * (1 + (i % 5));
    box.cards.inside.push(up(), micros(at));
  }
  box.drain();
  const dropped = box.count("up.drop_queue-full");
  t.ok(dropped > 0);
  t.equal(box.count("up.packets_in"), box.count("up.packets_out") + dropped);
  t.equal(box.pool.available, box.pool.capacity);
});

test("a stop sends what is due and counts what is held", async (t) => {
  const box = new Box(options({ ...OFF, jitter: { ...ALL.jitter, variance: 1e6, maxDelay: seconds(1) } }));
  let at = 0;
  for (let i = 0; i < 300; i++) {
    at += i % 50 === 0 ? 900_000 : 1_000;
    box.cards.inside.push(up(), micros(at));
  }
  box.run(micros(at));
  t.ok(box.datapath.held > 0, "something is held");
  const held = box.datapath.held;
  box.datapath.stop(box.now);
  box.cards.turn(micros(0));
  t.equal(box.count("up.drop_stopped"), held);
  t.equal(box.pool.available, box.pool.capacity);
});

test("a change of configuration loses and reorders nothing that is held", async (t) => {
  const jitter = { ...ALL.jitter, variance: 1e6, window: millis(200), maxDelay: millis(500) };
  const slow = options({ ...OFF, jitter });
  const box = new Box(slow);
  const total = 8000;
  let at = 0;
  for (let i = 0; i < total; i++) {
    at += (i * i) % 101 === 0 ? 60_000 : 2_000 * (1 + (i % 3));
    box.cards.inside.push(up({ sourcePort: i }), micros(at));
  }
  const choices = [
    slow,
    options(OFF),
    options({ ...ALL, jitter }),
    options({ ...ALL, jitter: { ...jitter, maxDelay: millis(1) } }),
  ];
  let heldAtChange = 0;
  for (let i = 1; box.now < at; i++) {
    box.run(micros(box.now + 1_500_000));
    if (box.datapath.held > 0) heldAtChange++;
    box.datapath.apply(choices[i % choices.length] ?? slow, box.now);
  }
  box.drain();
  const ports = box.cards.outside.sent.filter(({ kind }) => kind === 0).map(({ bytes }) => over(bytes).getUint16(34));
  t.ok(heldAtChange > 3, "packets were held when the configuration changed");
  t.same(
    ports,
    Array.from({ length: total }, (_, i) => i),
  );
});

test("traffic that becomes local by a change does not overtake what is held of it", async (t) => {
  const jitter = { ...ALL.jitter, variance: 1e6, window: millis(200), maxDelay: millis(500) };
  const whole = options({ ...OFF, jitter });
  for (const [becomes, before] of [
    ["delayed no more", { ...whole, delayLocal: true }],
    ["part of the local network", { ...whole, local: ["192.168.2.0/24"] }],
  ] as const) {
    const box = new Box(before, { seed: becomes });
    const total = 4000;
    let at = 0;
    for (let i = 0; i < total; i++) {
      at += (i * i) % 101 === 0 ? 60_000 : 2_000 * (1 + (i % 3));
      box.cards.inside.push(up({ sourcePort: i, to: "192.168.1.77" }), micros(at));
    }
    let heldAtChange = 0;
    for (let i = 1; box.now < at; i++) {
      box.run(micros(box.now + 900_000));
      if (i % 2 === 1 && box.datapath.held > 0) heldAtChange++;
      box.datapath.apply(i % 2 === 1 ? whole : before, box.now);
    }
    box.drain();
    t.ok(heldAtChange > 3, "packets were held when it changed");
    t.same(
      box.cards.outside.sent.map(({ bytes }) => over(bytes).getUint16(34)),
      Array.from({ length: total }, (_, i) => i),
      becomes,
    );
  }
});

test("decoys leave padded, and what answers them never reaches the device", async (t) => {
  const box = new Box(options(ALL), { seed: "decoys" });
  let at = 0;
  for (let i = 0; i < 3000; i++) {
    at += i % 60 === 0 ? 700_000 : 3_000;
    const port = 40_000 + Math.floor(i / 60);
    if (i % 60 < (i / 60) % 50)
      box.cards.inside.push(up({ protocol: TCP, sourcePort: port, destinationPort: 443 }), micros(at));
    else if (i % 3 === 0) box.cards.inside.push(up({ protocol: ICMP }), micros(at));
    else box.cards.inside.push(up({ sourcePort: port, destinationPort: 53 }), micros(at));
  }
  box.drain();
  const decoys = box.cards.outside.sent.filter(({ kind }) => kind === 1);
  for (const kind of ["tcp", "udp", "icmp", "traceroute"]) t.ok(box.count(`decoys_${kind}`) > 0, `${kind} decoys`);
  t.equal(decoys.length, box.count("up.decoy_packets"));
  t.ok(
    box.cards.outside.sent.every(({ bytes }) => bytes.length === 1514),
    "decoys and real packets have one size",
  );
  t.ok(
    decoys.every(({ bytes }) => over(bytes).getUint8(22) <= 2),
    "TTL-limited",
  );
  t.ok(
    decoys.every(({ bytes }) => over(bytes).getUint32(30) === parse("198.51.100.7")),
    "to a host the device talks to",
  );

  // The next hop answers each with a time exceeded that quotes it; a real one is answered too, and passes.
  const exceeded = (bytes: Uint8Array): Uint8Array => {
    const payload = new Uint8Array(28);
    payload.set(bytes.subarray(14, 14 + 28));
    const answer = frame({
      source: ROUTER,
      destination: DEVICE,
      from: "203.0.113.1",
      to: "192.168.1.5",
      protocol: ICMP,
      payload,
    });
    answer[34] = 11;
    return answer;
  };
  const before = box.cards.inside.sent.length;
  const recent = decoys.slice(-100);
  for (const { bytes } of recent) box.cards.outside.push(exceeded(bytes), micros(box.now + 1));
  const genuine = exceeded(up({ sourcePort: 40_001, destinationPort: 53 }));
  box.cards.outside.push(genuine, micros(box.now + 2));
  box.run(micros(box.now + 10));
  t.equal(box.count("down.swallowed_packets"), recent.length);
  t.same(
    box.cards.inside.sent.slice(before).map(({ bytes }) => bytes),
    [genuine],
  );
});
