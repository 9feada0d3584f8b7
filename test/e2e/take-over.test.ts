// hushbox beside a bridge of the kernel: it takes over, and the kernel goes on where it ends.
//
//     speaker eth0 ┐                        ┌ lan0 router
//                  ├─ in0 box(br0) out0 ────┤
//     phone  phone0┘  (a second station)    └
//
// Needs root, python3, tcpdump and what the laboratory needs; skipped aloud without them.
import { writeFileSync } from "node:fs";
import tap, { test, type Test } from "tap";
import type { Status } from "../../src/api/status.js";
import { Capture } from "../../src/emulator/capture.js";
import { Laboratory } from "../../src/emulator/laboratory.js";
import { TOPOLOGY } from "../../src/emulator/topology.js";
import * as ethernet from "../../src/wire/ethernet.js";
import { pause } from "../bench/child.js";
import { boxMissing } from "../support/box-missing.js";
import { ROOT } from "../support/generated.js";
import { LaboratoryBox } from "../support/laboratory-box.js";
import { sendNumbered } from "../support/numbered-frames.js";
import { PacedStream, type StreamFate } from "../support/paced-stream.js";
import { eachFrame } from "../support/seen-frames.js";
import { until } from "../support/talking.js";

const skip = boxMissing(["ping", "tcpdump"], "python3");

const MAIN = `${ROOT}/build/src/main.js`;
const { speaker, router } = TOPOLOGY;
const cards = { inside: TOPOLOGY.box.inside, outside: TOPOLOGY.box.outside };
const PHONE = { mac: "02:68:62:00:00:11", v4: "192.168.78.11", router: "192.168.78.1" };
/** A frame that left with less was not padded. */
const DEFENDED = 1514;

tap.setTimeout(280_000);

interface Bench {
  readonly laboratory: Laboratory;
  readonly start: (more?: object) => Promise<LaboratoryBox>;
  readonly path: (name: string) => string;
  readonly nft: () => Promise<string>;
  readonly run: (
    place: "speaker" | "box" | "router",
    command: string,
  ) => Promise<{ code: number; stdout: string; stderr: string }>;
  readonly streams: () => Promise<() => Promise<{ up: StreamFate; down: StreamFate }>>;
}

/** A laboratory with a bridge and a second station, and what tests do in it. */
async function bench(t: Test, name: string): Promise<Bench> {
  const directory = t.testdir({});
  const laboratory = await Laboratory.build({ name, mode: "direct", state: `${directory}/laboratory` });
  const { namespaces } = laboratory;
  const boxes: LaboratoryBox[] = [];
  t.teardown(async () => {
    for (const box of boxes) if (box.child.running) await box.kill();
    await laboratory.remove();
  });
  const run: Bench["run"] = async (place, command) => {
    const { code, stdout, stderr } = await laboratory.run(place, ["/bin/sh", "-c", command]);
    return { code: code ?? -1, stdout, stderr };
  };
  const good = async (place: "speaker" | "box" | "router", command: string): Promise<void> => {
    const { code, stderr } = await run(place, command);
    if (code !== 0) throw new Error(`${command}: ${stderr}`);
  };
  await good(
    "speaker",
    `ip link add link ${speaker.interface} name phone0 address ${PHONE.mac} type macvlan mode vepa`,
  );
  await good("speaker", `ip addr add ${PHONE.v4}/24 dev phone0 && ip link set phone0 up`);
  await good("router", `ip addr add ${PHONE.router}/24 dev ${router.lan}`);
  const flow = (from: string, to: string, address: string, port: number): Promise<PacedStream> =>
    PacedStream.start(from, to, { address, port });
  return {
    laboratory,
    run,
    path: (file) => `${directory}/${file}`,
    nft: async () => (await run("box", "nft list ruleset")).stdout,
    start: async (more = {}) => {
      const box = await LaboratoryBox.start(laboratory, `${directory}/box`, { preset: "off", ...more });
      boxes.push(box);
      return box;
    },
    streams: async () => {
      const up = await flow(namespaces.speaker, namespaces.router, router.v4, 4000);
      const down = await flow(namespaces.router, namespaces.speaker, speaker.v4, 4001);
      return async () => {
        const [a, b] = await Promise.all([up.end(), down.end()]);
        return { up: a, down: b };
      };
    },
  };
}

async function statusOf(box: LaboratoryBox): Promise<Status> {
  return (await box.ask("GET", "/api/v1/status")).body as Status;
}

/** Lengths of a device's frames in a capture. */
function lengthsFrom(file: string, mac: string): number[] {
  const lengths: number[] = [];
  eachFrame(file, (packet, view) => {
    if (ethernet.formatMac(ethernet.source(view, packet.at)) === mac) lengths.push(packet.wireLength);
  });
  return lengths;
}

void test("taking over, and failing open", { skip, timeout: 270_000 }, async (t) => {
  const { start, nft, run, streams, laboratory, path } = await bench(t, "hx-over");
  const { namespaces } = laboratory;
  const fates = (fate: { up: StreamFate; down: StreamFate }): string => JSON.stringify(fate);
  t.equal(await nft(), "", "no table before");
  // A first exchange, so that the bridge and both ends know each other.
  t.equal(
    (await run("speaker", `ping -n -c2 -i0.2 -W2 ${router.v4} && ping -n -c2 -i0.2 -W2 ${PHONE.router}`)).code,
    0,
  );

  let end = await streams();
  await pause(300);
  let box = await start();
  await pause(500);
  let fate = await end();
  t.comment(`start: ${fates(fate)}`);
  for (const way of [fate.up, fate.down]) {
    t.equal(way.duplicated, 0, "nothing comes twice while hushbox takes over");
    t.ok(way.lost <= 20, `${way.lost} of ${way.sent} were lost`);
  }
  t.match(await statusOf(box), {
    takeOver: { onFailure: "open", bridge: "br0", armed: true, lapses: 0, guarded: false, since: /^20/ },
  });

  await t.test("the table is hushbox's own", async (t) => {
    const table = await nft();
    t.match(table, "flags owner");
    t.match(table, `elements = { ${speaker.mac} expires`);
    t.notMatch(table, PHONE.mac);
    t.match((await run("box", "nft delete table bridge hushbox")).stderr, /not permitted/, "nobody else removes it");
    await run("box", "nft flush ruleset");
    t.match(await nft(), "chain take_over");
  });

  await t.test("both ways go through hushbox, once, and only the device's", async (t) => {
    const before = (await statusOf(box)).up?.counts.packetsIn ?? 0;
    const pings = await run("speaker", `ping -n -c50 -i0.01 -W2 ${router.v4}`);
    t.match(pings.stdout, "50 packets transmitted, 50 received, 0% packet loss");
    const after = (await statusOf(box)).up?.counts.packetsIn ?? 0;
    t.ok(after - before >= 50 && after - before < 60, `${after - before} frames of the device came in`);
    const phone = await run("speaker", `ping -n -c50 -i0.01 -W2 ${PHONE.router}`);
    t.match(phone.stdout, "50 packets transmitted, 50 received, 0% packet loss");
    const last = (await statusOf(box)).up?.counts.packetsIn ?? 0;
    t.ok(last - after < 10, "the other station is the kernel's");
    t.match(
      (await run("speaker", `ip neigh flush all; ping -n -c3 -i0.2 -W2 ${router.v4}`)).stdout,
      " 0% packet loss",
      "ARP",
    );
  });

  await t.test("groups both ways, once; what a bridge keeps is kept", async (t) => {
    const groups = ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:fb", "33:33:00:00:00:fb"];
    const kept = ["01:80:c2:00:00:03", "01:80:c2:00:00:0e"];
    const all = Array.from({ length: 20 }, (_, i) => i);
    const device = { namespace: namespaces.speaker, name: speaker.interface, mac: speaker.mac };
    const other = { namespace: namespaces.router, name: router.lan, mac: router.mac };
    const up = await sendNumbered(device, other, [...groups, ...kept, router.mac]);
    for (const address of [...groups, router.mac]) t.same(up[address], all, `up to ${address}`);
    for (const address of kept) t.same(up[address], [], `${address} stays on its link`);
    const down = await sendNumbered(other, device, [...groups, ...kept, speaker.mac]);
    for (const address of [...groups, speaker.mac]) t.same(down[address], all, `down to ${address}`);
    for (const address of kept) t.same(down[address], [], `${address} stays on its link`);
    await run("box", "ip addr add 192.168.77.2/24 dev br0");
    const mac = /link\/ether (\S+)/.exec((await run("box", "ip link show br0")).stdout)?.[1] ?? "";
    const seen = await sendNumbered(device, other, [mac]);
    t.same(seen[mac], [], "frames to the bridge itself go nowhere else");
    const ping = await run("speaker", "ping -n -c5 -i0.05 -W2 192.168.77.2");
    t.match(ping.stdout, "5 packets transmitted, 5 received, 0% packet loss");
    t.notMatch(ping.stdout, "duplicates");
  });

  await t.test("stations behind other ports are the kernel's, both ways and once", async (t) => {
    const all = Array.from({ length: 20 }, (_, i) => i);
    const third = "02:68:62:00:00:12";
    await run("router", `ip link add third0 address ${third} type veth peer name ex0 netns ${namespaces.box}`);
    await run("router", "ip link set third0 up");
    await run("box", "ip link set ex0 master br0 && ip link set ex0 up");
    await run("box", `bridge link set dev ${cards.inside} hairpin on`);
    const device = { namespace: namespaces.speaker, name: speaker.interface, mac: speaker.mac };
    const elsewhere = { namespace: namespaces.router, name: "third0", mac: third };
    const phone = { namespace: namespaces.speaker, name: "phone0", mac: PHONE.mac };
    for (const station of [elsewhere, phone]) {
      // Its first frames tell the bridge where it is; then hushbox hears of it.
      t.same((await sendNumbered(station, device, [speaker.mac]))[speaker.mac], all, `from ${station.name}`);
      await pause(300);
      const file = path(`${station.name}.pcap`);
      const seen = await Capture.start(laboratory, "router", router.lan, file, { filter: "ether proto 0x88b5" });
      t.same((await sendNumbered(device, station, [station.mac]))[station.mac], all, `to ${station.name}`);
      await seen.stop();
      t.equal(framesTo(file, station.mac), 0, "and nowhere else");
    }
    const group = "01:00:5e:00:00:fb";
    t.same((await sendNumbered(device, elsewhere, [group]))[group], all, "groups too");
    await run("box", `bridge link set dev ${cards.inside} hairpin off; ip link del ex0`);
  });

  await t.test("kill -9: the kernel goes on at once", async (t) => {
    for (let i = 0; i < 3; i++) {
      end = await streams();
      const phone = await PacedStream.start(namespaces.speaker, namespaces.router, {
        address: PHONE.router,
        port: 4002,
      });
      await pause(400);
      await box.kill();
      await pause(600);
      fate = await end();
      t.comment(`kill -9: ${fates(fate)}`);
      for (const way of [fate.up, fate.down]) {
        t.equal(way.duplicated, 0);
        t.ok(way.outage < 500, `an outage of ${way.outage} ms`);
      }
      t.match(await phone.end(), { lost: 0, duplicated: 0 }, "the other station notices nothing");
      t.equal(await nft(), "", "the table went with its process");
      box = await start();
    }
  });

  await t.test("a process that is stopped is passed by, and takes over again", async (t) => {
    end = await streams();
    await pause(400);
    process.kill(box.child.pid, "SIGSTOP");
    await pause(2500);
    process.kill(box.child.pid, "SIGCONT");
    t.ok(await until(async () => (await statusOf(box)).takeOver.lapses === 1));
    t.ok((await statusOf(box)).takeOver.armed);
    await pause(500);
    fate = await end();
    t.comment(`SIGSTOP: ${fates(fate)}`);
    for (const way of [fate.up, fate.down]) {
      t.equal(way.duplicated, 0);
      t.ok(way.outage < 1500, `an outage of ${way.outage} ms`);
    }
    t.match(await nft(), `elements = { ${speaker.mac} expires`);
  });

  await t.test("a bridge that comes and goes", async (t) => {
    await laboratory.part();
    t.ok(await until(async () => (await statusOf(box)).takeOver.bridge === null));
    t.equal(await nft(), "");
    t.match((await run("speaker", `ping -n -c5 -i0.05 -W2 ${router.v4}`)).stdout, " 0% packet loss", "the only path");
    await laboratory.join();
    t.ok(await until(async () => (await statusOf(box)).takeOver.armed));
    const again = await run("speaker", `ping -n -c20 -i0.05 -W2 ${router.v4}`);
    t.match(again.stdout, " 0% packet loss");
    t.notMatch(again.stdout, "duplicates");
  });

  await t.test("SIGTERM", async (t) => {
    end = await streams();
    await pause(400);
    await box.stop();
    await pause(400);
    fate = await end();
    t.comment(`SIGTERM: ${fates(fate)}`);
    for (const way of [fate.up, fate.down]) {
      t.equal(way.duplicated, 0);
      t.ok(way.lost <= 20, `${way.lost} of ${way.sent} were lost`);
    }
    t.equal(box.child.status, 0);
    t.equal(await nft(), "");
  });

  await t.test("what is in the way is told", async (t) => {
    const config = `${t.testdir({})}/hushbox.yaml`;
    const write = (more: object): void => {
      const devices = [{ name: "speaker", mac: speaker.mac }];
      writeFileSync(config, JSON.stringify({ ...cards, devices, state: `${config}.state`, ...more }));
    };
    const check = async () => (await run("box", `${process.execPath} ${MAIN} check --config ${config}`)).stdout;
    write({});
    t.match(await check(), /ok {4}bridge: br0 joins the two cards; hushbox will take over from it/);
    t.equal(await nft(), "", "the look left nothing behind");
    await run("box", "nft add table bridge hushbox");
    t.match(await check(), /FAIL {2}bridge: .*\n +-> nft delete table bridge hushbox/);
    const refused = await run("box", `${process.execPath} ${MAIN} run --config ${config}`);
    t.equal(refused.code, 1);
    t.match(refused.stderr, /there is a table of that name already.*nft delete table bridge hushbox/);
    await run("box", "nft delete table bridge hushbox");
    const nobody = "setpriv --bounding-set=-net_admin --inh-caps=-net_admin";
    const weak = await run("box", `${nobody} ${process.execPath} ${MAIN} guard --config ${config} --off`);
    t.match(weak.stderr, /CAP_NET_ADMIN/);
    await run("box", `ip link set ${cards.outside} nomaster`);
    t.match(await check(), /WARN {2}interface in0: is the port of a bridge that the other card is no port of/);
  });
});

void test("failing closed", { skip, timeout: 270_000 }, async (t) => {
  const { start, nft, run, streams, laboratory, path } = await bench(t, "hx-shut");
  const guard = (...args: string[]) =>
    run("box", `${process.execPath} ${MAIN} guard --state ${path("box/state")} ${args.join(" ")}`);
  t.equal((await run("speaker", `ping -n -c2 -i0.2 -W2 ${router.v4}`)).code, 0);

  // As at boot: the guard, then nothing for a while, then hushbox.
  const config = path("boot.yaml");
  const devices = [{ name: "speaker", mac: speaker.mac }];
  writeFileSync(config, JSON.stringify({ ...cards, devices, state: path("box/state"), onFailure: "closed" }));
  t.match((await guard("--config", config)).stdout, "guarded: without hushbox nothing of 1 device passes out0");
  t.notMatch(await nft(), "owner");
  const seen = await Capture.start(laboratory, "router", router.lan, path("outside.pcap"));
  const heard = await Capture.start(laboratory, "speaker", speaker.interface, path("inside.pcap"));
  t.not((await run("speaker", `ping -n -c3 -i0.2 -W1 ${router.v4}`)).code, 0, "nothing passes before hushbox runs");
  t.equal((await run("speaker", `ping -n -c3 -i0.2 -W1 ${PHONE.router}`)).code, 0, "but what others send");
  await heard.stop();
  t.same(framesTo(path("inside.pcap"), speaker.mac), 0, "and nothing comes to it alone");

  const end = await streams();
  let box = await start({ preset: "paper", onFailure: "closed" });
  t.match(await statusOf(box), { takeOver: { armed: true, guarded: true, onFailure: "closed" } });
  t.match((await run("speaker", `ping -n -c3 -i0.2 -W2 ${router.v4}`)).stdout, " 0% packet loss", "hushbox carries it");
  for (let i = 0; i < 4; i++) {
    if (i % 2 === 0) await box.kill();
    else await box.stop();
    await pause(200);
    t.match(await nft(), `elements = { ${speaker.mac} }`);
    box = await start({ preset: "paper", onFailure: "closed" });
    await pause(200);
  }
  process.kill(box.child.pid, "SIGSTOP");
  await pause(1200);
  process.kill(box.child.pid, "SIGCONT");
  t.ok(await until(async () => (await statusOf(box)).takeOver.lapses === 1), "a hang ends");
  await run("box", "nft delete table bridge hushbox_guard");
  t.ok(await until(async () => (await nft()).includes("hushbox_guard")), "who removes the guard finds it again");
  await end();
  const { dropped } = await seen.stop();
  t.equal(dropped, 0);
  const lengths = lengthsFrom(path("outside.pcap"), speaker.mac);
  t.ok(lengths.length > 1000, `${lengths.length} frames of the device were seen outside`);
  t.same(
    lengths.filter((length) => length !== DEFENDED),
    [],
    "none of them undefended",
  );
  t.ok(
    lengthsFrom(path("outside.pcap"), PHONE.mac).some((length) => length < DEFENDED),
    "others are left alone",
  );

  t.equal(await fails(box, "open"), 200);
  t.notMatch(await nft(), "hushbox_guard", "open: no guard");
  t.match(await statusOf(box), { takeOver: { armed: true, guarded: false, onFailure: "open" } });
  t.equal(await fails(box, "closed"), 200);
  t.match(await nft(), "hushbox_guard");
  await box.stop();

  await t.test("the guard at a boot with a broken configuration", async (t) => {
    t.match((await guard("--off")).stdout, "removed the guard");
    t.equal(await nft(), "");
    writeFileSync(config, "inside: [");
    const { code, stdout, stderr } = await guard("--config", config);
    t.equal(code, 1, "it is told");
    t.match(stderr, /guarded what was guarded last, since\n.*boot\.yaml/);
    t.match(stdout, "guarded: ");
    t.match(await nft(), speaker.mac);
    writeFileSync(config, JSON.stringify({ ...cards, devices, state: path("box/state") }));
    t.match((await guard("--config", config)).stdout, "removed the guard");
    t.equal(await nft(), "");
  });
});

/** Changes `onFailure` of a running box; answers the status. */
async function fails(box: LaboratoryBox, onFailure: string): Promise<number> {
  const { body, etag } = await box.ask("GET", "/api/v1/config");
  return (await box.ask("PUT", "/api/v1/config", { ...(body as object), onFailure }, { "If-Match": etag })).status;
}

/** Frames of a capture that are for an address alone. */
function framesTo(file: string, mac: string): number {
  let frames = 0;
  eachFrame(file, (packet, view) => {
    if (ethernet.formatMac(ethernet.destination(view, packet.at)) === mac) frames++;
  });
  return frames;
}
