// TCP padding through a router's NAT to a kernel that knows nothing of it, over IPv4 and IPv6:
//
//     speaker eth0 ── in0 box(hushbox) out0 ── lan0 router(NAT) wan0 ── down0 isp up0 ── net0 world
//
// Needs root and what the laboratory needs; skipped aloud without them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import tap, { test, type Test } from "tap";
import { Capture } from "../../src/emulator/capture.js";
import { ENDPOINTS } from "../../src/emulator/endpoints.js";
import { Laboratory } from "../../src/emulator/laboratory.js";
import { OBSERVERS, TOPOLOGY, type Place } from "../../src/emulator/topology.js";
import { TCP } from "../../src/wire/protocol.js";
import * as tcp from "../../src/wire/tcp.js";
import { Child } from "../bench/child.js";
import { boxMissing } from "../support/box-missing.js";
import { ROOT } from "../support/generated.js";
import { LaboratoryBox } from "../support/laboratory-box.js";
import { eachFrame } from "../support/seen-frames.js";

const skip = boxMissing(["tcpdump"]);

const PORT = 4430;
const FULL = 1514;
const HABITS = join(ROOT, "build/test/support/tcp-habits.js");
/** Only what pads TCP, so that what is seen is that. */
const CONFIG = {
  preset: "off",
  defenses: { pad: { enabled: true, tcpOverlap: true, tcpAcks: true, tcpFiller: true, tcpReset: true } },
};

tap.setTimeout(120_000);

interface Sizes {
  all: number;
  /** Lengths of frames that are not FULL. */
  other: number[];
}

/** TCP packets on their way up, behind the router, by what they are. */
function sizes(path: string): Record<"SYN" | "third ACK" | "RST" | "rest", Sizes> {
  const seen = { SYN: none(), "third ACK": none(), RST: none(), rest: none() };
  const shaken = new Set<string>();
  eachFrame(path, (packet, view) => {
    if (packet.protocol !== TCP) return;
    const flags = tcp.flags(view, packet.transport);
    const flow = `${packet.version} ${packet.sourcePort}`;
    const kind =
      (flags & tcp.SYN) !== 0 ? "SYN" : (flags & tcp.RST) !== 0 ? "RST" : shaken.has(flow) ? "rest" : "third ACK";
    if (kind === "SYN") shaken.delete(flow);
    else shaken.add(flow);
    seen[kind].all++;
    if (packet.wireLength !== FULL) seen[kind].other.push(packet.wireLength);
  });
  return seen;
}

function none(): Sizes {
  return { all: 0, other: [] };
}

class Bed {
  readonly laboratory: Laboratory;
  readonly box: LaboratoryBox;
  readonly directory: string;

  private constructor(laboratory: Laboratory, box: LaboratoryBox, directory: string) {
    this.laboratory = laboratory;
    this.box = box;
    this.directory = directory;
  }

  static async build(t: Test): Promise<Bed> {
    const directory = mkdtempSync(join(tmpdir(), "hushbox-tcp-"));
    const laboratory = await Laboratory.build({ name: "hx-tcp", state: join(directory, "laboratory") });
    const server = new Child(laboratory.namespaces.world, process.execPath, [HABITS, String(PORT)]);
    t.teardown(async () => {
      await server.stop();
      await laboratory.remove();
      rmSync(directory, { recursive: true, force: true });
    });
    await server.printed(/^ready/m);
    const box = await LaboratoryBox.start(laboratory, join(directory, "box"), CONFIG);
    t.teardown(() => box.stop());
    return new Bed(laboratory, box, directory);
  }

  async sh(place: Place, command: string): Promise<string> {
    const { code, stdout, stderr } = await this.laboratory.run(place, ["/bin/sh", "-ec", command]);
    if (code !== 0) throw new Error(`${command} in ${place}: ${stderr}`);
    return stdout;
  }

  /** How much the kernel's own counts of a place grow. */
  async grows(place: Place, during: () => Promise<void>): Promise<Record<string, number>> {
    const before = await this.#counts(place);
    await during();
    const after = await this.#counts(place);
    return Object.fromEntries(Object.keys(after).map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]));
  }

  /** Packets that the router's connection tracking took for invalid. */
  async invalid(): Promise<number> {
    const rules = await this.sh("router", "nft list table inet hushbox_lab");
    return Number(/ct state invalid counter packets (\d+)/.exec(rules)?.[1]);
  }

  /** Habits that went wrong, and how long each took. */
  async talk(address: string, ...habits: string[]): Promise<{ wrong: string[]; seconds: Record<string, number> }> {
    const argv = [process.execPath, HABITS, String(PORT), address, ...habits];
    const { stdout, stderr } = await this.laboratory.run("speaker", argv, { timeout: 60_000 });
    if (!stdout.startsWith("{")) throw new Error(`talking: ${stdout}${stderr}`);
    return JSON.parse(stdout) as { wrong: string[]; seconds: Record<string, number> };
  }

  /** Whatever applications do, as captured behind the router; nothing of it goes wrong. Segments that the device has sent again. */
  async habits(t: Test, address: string, file: string): Promise<number> {
    const { place, interface: name } = OBSERVERS.wan;
    const filter = `inbound and tcp and (dst host ${address})`;
    const capture = await Capture.start(this.laboratory, place, name, file, { filter, snapLength: 160 });
    const speaker = await this.grows("speaker", async () => {
      const done = await this.talk(address, "records", "bytes", "up", "down", "half", "first", "reset");
      t.same(done.wrong, [], JSON.stringify(done.seconds));
      await sleep(300);
    });
    t.match(await capture.stop(), { dropped: 0 });
    t.equal(await this.invalid(), 0, "connection tracking finds nothing invalid");
    const { RetransSegs: again = 0, TCPDSACKRecv = 0, TCPDSACKOfoRecv = 0, InCsumErrors } = speaker;
    t.ok(TCPDSACKRecv + TCPDSACKOfoRecv <= again, `${TCPDSACKRecv} reports of duplicates, ${again} retransmissions`);
    t.equal(InCsumErrors, 0);
    return again;
  }

  async #counts(place: Place): Promise<Record<string, number>> {
    const lines = (await this.sh(place, "cat /proc/net/netstat /proc/net/snmp")).trim().split("\n");
    const counts: Record<string, number> = {};
    for (let i = 0; i + 1 < lines.length; i += 2) {
      const values = lines[i + 1]?.split(" ") ?? [];
      lines[i]?.split(" ").forEach((name, j) => (counts[name] = Number(values[j])));
    }
    return counts;
  }
}

/**
 * One segment that is sent again before the server has shown that it takes padding keeps its connection plain, as it shall, and a machine that
 * gives one of the two no processor has that.
 */
const ATTEMPTS = 3;
const HOST = ENDPOINTS.static;
const OTHER = ENDPOINTS.music;

void test("TCP padding behind NAT", { skip, timeout: 110_000 }, async (t) => {
  const bed = await Bed.build(t);

  for (const address of [HOST.v4, HOST.v6]) {
    await t.test(`what applications do: ${address}`, async (t) => {
      const file = join(bed.directory, "wan.pcap");
      let again = Infinity;
      for (let attempt = 0; again > 0 && attempt < ATTEMPTS; attempt++) again = await bed.habits(t, address, file);
      const { rest, RST, ...small } = sizes(file);
      // The server may send something again before it has shown that it reads acknowledgments: two are plain then.
      t.ok(rest.all > 500 && rest.other.length <= again + 2, `not of one size: ${rest.other.join(" ")} of ${rest.all}`);
      t.same(RST.other, []);
      t.equal(small["third ACK"].all, 7);
    });
  }

  await t.test("the handshake's end is lost, and the server keeps no state before it (SYN cookies)", async (t) => {
    const setting = "/proc/sys/net/ipv4/tcp_syncookies";
    await bed.sh("world", `echo 2 > ${setting}`);
    await bed.sh("isp", "nft add table inet lose");
    await bed.sh("isp", "nft add chain inet lose pass '{ type filter hook forward priority 0; }'");
    const bare = "tcp flags & (syn|fin|rst|psh) == 0 meta length < 100";
    await bed.sh("isp", `nft add rule inet lose pass iifname ${TOPOLOGY.isp.down} '${bare} counter drop'`);
    // Many segments leave before the first one is refused, and what the kernel sends next fits no cookie.
    for (const address of [ENDPOINTS.news.v4, ENDPOINTS.news.v6]) {
      const done = await bed.talk(address, "bytes");
      t.same(done.wrong, [], `single bytes to ${address}: ${JSON.stringify(done.seconds)}`);
    }
    // IPv4: silent for longer than the router remembers a connection after a reset.
    for (const [address, habit] of [
      [OTHER.v4, "idle"],
      [OTHER.v6, "hello"],
    ] as const) {
      const world = await bed.grows("world", async () => {
        const done = await bed.talk(address, habit, "hello");
        t.same(done.wrong, [], JSON.stringify(done.seconds));
      });
      t.match(world, { SyncookiesFailed: 1, SyncookiesRecv: 2 }, "padding was refused once, and not risked again");
    }
    t.equal(await bed.invalid(), 0);
  });
});
