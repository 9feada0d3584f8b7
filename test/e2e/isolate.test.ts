// Frames between two stations of one access point, with `isolate: true`: from the inside card back out of it, through hushbox.
//
//     speaker eth0 ───┐                        ┌ lan0 router
//     second second0 ─┼─ in0 box(br0) out0 ────┤
//     phone  phone0 ──┘  hairpin               └
//
// speaker and second are devices, phone is not. Needs root, python3, tcpdump and what the laboratory needs; skipped aloud without them.
import { writeFileSync } from "node:fs";
import tap, { test, type Test } from "tap";
import type { Status } from "../../src/api/status.js";
import { Capture } from "../../src/emulator/capture.js";
import { Laboratory } from "../../src/emulator/laboratory.js";
import { TOPOLOGY } from "../../src/emulator/topology.js";
import * as ethernet from "../../src/wire/ethernet.js";
import { Child, pause } from "../bench/child.js";
import { boxMissing } from "../support/box-missing.js";
import { ROOT } from "../support/generated.js";
import { LaboratoryBox } from "../support/laboratory-box.js";
import { sendNumbered } from "../support/numbered-frames.js";
import { PacedStream, type StreamFate } from "../support/paced-stream.js";
import { eachFrame } from "../support/seen-frames.js";
import { Stations, type Station } from "../support/stations.js";
import { until } from "../support/talking.js";

const skip = boxMissing(["ping", "tcpdump"], "python3");

const MAIN = `${ROOT}/build/src/main.js`;
const { inside, outside } = TOPOLOGY.box;
const GROUPS = ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:fb", "33:33:00:00:00:fb"];
const ALL = Array.from({ length: 20 }, (_, i) => i);
/** A frame that left with less was not padded. */
const DEFENDED = 1514;

// Serves or fetches so many random bytes over TCP; both print their SHA-256.
const TCP = `
import hashlib, os, socket, sys
role, address, port, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
h = hashlib.sha256()
if role == "serve":
    s = socket.create_server((address, port))
    print("ready", flush=True)
    c, _ = s.accept()
    data = os.urandom(size)
    h.update(data)
    c.sendall(data)
    c.close()
else:
    c = socket.create_connection((address, port), 10)
    got = 0
    while part := c.recv(65536):
        h.update(part)
        got += len(part)
    assert got == size, got
print(h.hexdigest(), flush=True)
`;

tap.setTimeout(280_000);

void test("between stations", { skip, timeout: 270_000 }, async (t) => {
  const directory = t.testdir({});
  const laboratory = await Laboratory.build({ name: "hx-iso", mode: "direct", state: `${directory}/laboratory` });
  const stations = new Stations(laboratory);
  const boxes: LaboratoryBox[] = [];
  t.teardown(async () => {
    for (const box of boxes) if (box.child.running) await box.kill();
    stations.remove();
    await laboratory.remove();
  });
  const { speaker } = stations;
  const second = stations.add("second", 12);
  const phone = stations.add("phone", 11);
  const router: Station = {
    namespace: laboratory.namespaces.router,
    name: TOPOLOGY.router.lan,
    mac: TOPOLOGY.router.mac,
    v4: TOPOLOGY.router.v4,
  };
  const devices = [
    { name: "speaker", mac: speaker.mac },
    { name: "second", mac: second.mac },
  ];
  const start = async (more: object = {}): Promise<LaboratoryBox> => {
    const box = await LaboratoryBox.start(laboratory, `${directory}/box`, { devices, isolate: true, ...more });
    boxes.push(box);
    return box;
  };
  const inBox = async (command: string): Promise<string> => {
    const { stdout, stderr } = await laboratory.run("box", ["/bin/sh", "-c", command]);
    return stdout + stderr;
  };
  const nft = (): Promise<string> => inBox("nft list ruleset");
  const ping = (from: Station, to: Station, count = 20): Promise<string> =>
    new Child(from.namespace, "ping", ["-n", "-c", String(count), "-i", "0.02", "-W", "1", to.v4]).text();
  const reached = async (t: Test, from: Station, to: Station): Promise<void> => {
    const said = await ping(from, to);
    t.match(said, " 0% packet loss", `${from.name} to ${to.name}`);
    t.notMatch(said, "duplicates");
  };
  /** Frames of each of these pairs come once, in order, whomever they are for. */
  const once = async (t: Test, pairs: readonly (readonly [from: Station, to: Station])[]): Promise<void> => {
    for (const [from, to] of pairs) {
      const got = await sendNumbered(from, to, [to.mac, ...GROUPS]);
      for (const [address, numbers] of Object.entries(got))
        t.same(numbers, ALL, `${from.name} to ${address} at ${to.name}`);
    }
  };
  const transfer = async (t: Test, from: Station, to: Station): Promise<void> => {
    const server = new Child(from.namespace, "python3", ["-c", TCP, "serve", from.v4, "5001", "2000000"]);
    await server.printed(/ready/);
    const client = new Child(to.namespace, "python3", ["-c", TCP, "fetch", from.v4, "5001", "2000000"]);
    const hash = (await client.text()).trim();
    t.match(hash, /^[0-9a-f]{64}$/, `TCP from ${from.name} to ${to.name}${client.errors}`);
    t.equal((await server.text()).trim().split("\n").at(-1), hash);
  };
  const streams = async (): Promise<() => Promise<{ there: StreamFate; back: StreamFate }>> => {
    const there = await PacedStream.start(speaker.namespace, phone.namespace, { address: phone.v4, port: 4000 });
    const back = await PacedStream.start(phone.namespace, speaker.namespace, { address: speaker.v4, port: 4001 });
    return async () => ({ there: await there.end(), back: await back.end() });
  };
  const every = [
    [speaker, phone],
    [phone, speaker],
    [speaker, second],
    [second, speaker],
    [second, phone],
    [speaker, router],
    [router, speaker],
    [phone, router],
    [router, phone],
  ] as const;

  for (const one of [phone, second, router]) await reached(t, speaker, one);
  t.equal(await nft(), "", "without hushbox the kernel sends frames back");

  let end = await streams();
  await pause(300);
  let box = await start();
  await pause(500);
  let fate = await end();
  t.comment(`start: ${JSON.stringify(fate)}`);
  for (const way of [fate.there, fate.back]) {
    t.equal(way.duplicated, 0, "nothing comes twice while hushbox takes over");
    t.ok(way.lost <= 20, `${way.lost} of ${way.sent} were lost`);
  }
  t.match((await statusOf(box)).takeOver, { armed: true, isolated: true });
  t.match(await nft(), `iifname "${inside}" oifname "${inside}" ether saddr @between`);

  await t.test("each frame once, groups too", (t) => once(t, every));

  await t.test("through hushbox, defended, and nowhere else", async (t) => {
    const files = { phone: `${directory}/phone.pcap`, router: `${directory}/router.pcap` };
    const before = await statusOf(box);
    const air = await Capture.start(laboratory, "speaker", speaker.name, files.phone);
    const lan = await Capture.start(laboratory, "router", router.name, files.router);
    for (const one of [speaker, second]) {
      await new Child(one.namespace, "ip", ["neigh", "flush", "all"]).text();
      await reached(t, one, phone);
      await reached(t, phone, one);
    }
    await reached(t, speaker, second);
    await reached(t, phone, router);
    await transfer(t, speaker, phone);
    await transfer(t, phone, speaker);
    await transfer(t, second, speaker);
    await air.stop();
    await lan.stop();
    const after = await statusOf(box);
    for (const way of ["up", "down"] as const) {
      const passed = (after[way]?.counts.betweenPackets ?? 0) - (before[way]?.counts.betweenPackets ?? 0);
      t.ok(passed > 1000, `${way}: ${passed} packets between stations`);
      t.ok(
        Object.values(after[way]?.drops ?? { none: 1 }).every((drops) => drops === 0),
        "no drops",
      );
    }
    // Each frame of a device passes the cable behind the card twice: as it sent it, and as hushbox sent it back.
    const sent = lengths(files.phone, { from: speaker.mac, to: phone.mac });
    const padded = sent.filter((length) => length === DEFENDED);
    t.ok(padded.length * 2 >= sent.length, `${padded.length} of ${sent.length} have the constant size`);
    t.ok(
      lengths(files.phone, { from: phone.mac, to: router.mac }).every((length) => length < DEFENDED),
      "others are left alone",
    );
    for (const [from, to] of [
      [speaker, phone],
      [phone, speaker],
      [speaker, second],
    ] as const)
      t.same(lengths(files.router, { from: from.mac, to: to.mac }), [], "nothing of it is sent outside");
  });

  await t.test("kill -9: the kernel sends back at once", async (t) => {
    end = await streams();
    await pause(400);
    await box.kill();
    await pause(600);
    fate = await end();
    t.comment(`kill -9: ${JSON.stringify(fate)}`);
    for (const way of [fate.there, fate.back]) {
      t.equal(way.duplicated, 0);
      t.ok(way.outage < 500, `an outage of ${way.outage} ms`);
    }
    t.equal(await nft(), "");
    await once(t, [
      [speaker, phone],
      [phone, speaker],
    ]);
    box = await start();
  });

  await t.test("it is switched while packets flow", async (t) => {
    end = await streams();
    await pause(300);
    t.equal(await change(box, { isolate: false }), 200);
    t.match((await statusOf(box)).takeOver, { armed: true, isolated: false });
    await pause(300);
    const before = await statusOf(box);
    await once(t, every.slice(0, 3));
    await reached(t, speaker, phone);
    const after = await statusOf(box);
    for (const way of ["up", "down"] as const)
      t.equal(after[way]?.counts.betweenPackets, before[way]?.counts.betweenPackets, "the kernel's, as ever");
    t.equal(await change(box, { isolate: true }), 200);
    t.ok((await statusOf(box)).takeOver.isolated);
    await pause(300);
    fate = await end();
    t.comment(`off and on: ${JSON.stringify(fate)}`);
    for (const way of [fate.there, fate.back]) {
      t.equal(way.duplicated, 0);
      t.ok(way.lost <= 40, `${way.lost} of ${way.sent} were lost`);
    }
  });

  await t.test("a bridge that sends nothing back is told of", async (t) => {
    const config = `${directory}/check.yaml`;
    writeFileSync(config, JSON.stringify({ inside, outside, devices, state: `${directory}/check`, isolate: true }));
    const check = (): Promise<string> => inBox(`${process.execPath} ${MAIN} check --config ${config}`);
    t.match(await check(), /ok {4}isolate: br0 sends frames back out of in0/);
    await inBox(`bridge link set dev ${inside} hairpin off`);
    t.ok(await until(async () => !(await statusOf(box)).takeOver.isolated));
    t.match(box.child.said, /isolate is on, and br0 sends no frame back out of in0/);
    t.match(
      await check(),
      /WARN {2}isolate: .*\n +-> bridge link set dev in0 hairpin on, with ap_isolate=1 in hostapd/,
    );
    await inBox(`bridge link set dev ${inside} hairpin on`);
    t.ok(await until(async () => (await statusOf(box)).takeOver.isolated));
    await reached(t, speaker, phone);
  });

  await t.test("onFailure: closed", async (t) => {
    t.equal(await change(box, { onFailure: "closed" }), 200);
    await reached(t, speaker, phone);
    await box.kill();
    await pause(100);
    t.match(await ping(speaker, phone, 5), "100% packet loss");
    t.match(await ping(phone, speaker, 5), "100% packet loss");
    const none = Object.fromEntries([phone.mac, ...GROUPS].map((address) => [address, []]));
    t.same(await sendNumbered(speaker, phone, [phone.mac, ...GROUPS]), none, "nothing of a device passes");
    t.same(await sendNumbered(phone, speaker, [speaker.mac]), { [speaker.mac]: [] });
    await once(t, [[phone, router]]);
    box = await start({ onFailure: "closed" });
    await once(t, [
      [speaker, phone],
      [phone, speaker],
    ]);
    await box.stop();
    t.match(await ping(speaker, phone, 3), "100% packet loss", "nor after an ordinary end");
  });

  await t.test("what still runs in a station ends with it", async (t) => {
    const left = [speaker, phone].map(({ namespace }) => new Child(namespace, "sleep", ["600"]));
    stations.remove();
    t.ok(await until(() => left[1]?.running === false), "also where a test was cut off");
    t.ok(left[0]?.running, "the laboratory's own are its affair");
  });
});

async function statusOf(box: LaboratoryBox): Promise<Status> {
  return (await box.ask("GET", "/api/v1/status")).body as Status;
}

/** Changes a running box's configuration; answers the status. */
async function change(box: LaboratoryBox, values: object): Promise<number> {
  const { body, etag } = await box.ask("GET", "/api/v1/config");
  return (await box.ask("PUT", "/api/v1/config", { ...(body as object), ...values }, { "If-Match": etag })).status;
}

/** Lengths of the frames of a capture from one station to another. */
function lengths(file: string, { from, to }: { from: string; to: string }): number[] {
  const found: number[] = [];
  eachFrame(file, (packet, view) => {
    if (ethernet.formatMac(ethernet.source(view, packet.at)) !== from) return;
    if (ethernet.formatMac(ethernet.destination(view, packet.at)) === to) found.push(packet.wireLength);
  });
  return found;
}
