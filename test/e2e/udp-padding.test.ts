// UDP of programs that know nothing of hushbox, grown by `udpSurplus` and `quicPrefix` alone, through a router that translates addresses and
// drops what connection tracking calls invalid, over IPv4 and IPv6:
//
//     speaker eth0 ── in0 box(hushbox) out0 ── lan0 router(NAT) wan0 ── down0 isp up0 ── net0 world
//     dig chronyd gtlsclient udp-echo                                     dnsmasq chronyd gtlsserver udp-echo
//
// Needs root, what the laboratory needs, and the Debian packages bind9-dnsutils, dnsmasq-base, chrony, ngtcp2-client, ngtcp2-server and
// tshark; what is missing is skipped aloud.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import tap, { test } from "tap";
import { Capture } from "../../src/emulator/capture.js";
import { selfSigned } from "../../src/emulator/certificate.js";
import { command, tool, which, type CommandResult } from "../../src/emulator/command.js";
import { ENDPOINTS } from "../../src/emulator/endpoints.js";
import { OBSERVERS, TOPOLOGY, type Place } from "../../src/emulator/topology.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
import * as ethernet from "../../src/wire/ethernet.js";
import * as ipv4 from "../../src/wire/ipv4.js";
import * as ipv6 from "../../src/wire/ipv6.js";
import * as pcap from "../../src/wire/pcap.js";
import { UDP } from "../../src/wire/protocol.js";
import * as quic from "../../src/wire/quic.js";
import * as udp from "../../src/wire/udp.js";
import { Child } from "../bench/child.js";
import { boxMissing } from "../support/box-missing.js";
import { frame, over } from "../support/frame.js";
import { ROOT } from "../support/generated.js";
import { LaboratoryBox } from "../support/laboratory-box.js";
import { Stage } from "../support/stage.js";
import { eachFrame } from "../support/seen-frames.js";
import type { EchoCount } from "../support/udp-echo.js";

const skip = boxMissing(["tcpdump", "openssl"]);

/** A reason to skip where a program is not there. */
const without = (program: string, debian: string): string | false =>
  which(program) === null && `${program} is not installed (Debian package ${debian})`;

const NAME = "hushbox.example";
const QUIC = ENDPOINTS.voice;
const DNS = ENDPOINTS.resolver;
const TIME = ENDPOINTS.time;
const ECHO = { ...ENDPOINTS.push, port: 7 };
const FAMILIES = ["v4", "v6"] as const;
const FULL = 1514;
const BYTES = 2e6;
/** Bytes of the smallest prefix for ngtcp2's connection IDs: 9 of header, 18 and 18, 24 sealed. */
const LEAST_PREFIX = 69;

tap.setTimeout(90_000);

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Fields that tshark prints of each packet with a piece of the client's first stream. */
const PIECES = ["stream.stream_id", "stream.offset", "stream_data"];

/**
 * A capture of tcpdump without the packets that were put before others: tshark takes a 0-RTT packet of a connection that has none for another
 * connection, and the rest of its datagram too.
 */
function withoutPrefixes(capture: Buffer): Buffer {
  const parts = [capture.subarray(0, pcap.FILE_HEADER)];
  for (let at = pcap.FILE_HEADER; at < capture.length;) {
    const end = at + pcap.RECORD_HEADER + capture.readUInt32LE(at + 8);
    parts.push(withoutPrefix(capture.subarray(at, end)));
    at = end;
  }
  return Buffer.concat(parts);
}

function withoutPrefix(record: Buffer): Buffer {
  const view = over(record);
  const network = pcap.RECORD_HEADER + ethernet.HEADER;
  const four = record.readUInt8(network) >> 4 === 4;
  const transport = network + (four ? ipv4.HEADER : ipv6.HEADER);
  const payload = transport + udp.HEADER;
  if (udp.destinationPort(view, transport) !== QUIC.port || !quic.longFits(view, payload, record.length)) return record;
  if (!quic.isKnown(quic.version(view, payload)) || quic.type(view, payload) !== quic.ZERO_RTT) return record;
  const lengthAt = quic.source(view, payload) + quic.sourceLength(view, payload);
  const end = lengthAt + 2 + (view.getUint16(lengthAt) & 0x3fff);
  const head = Buffer.from(record.subarray(0, payload));
  const shorter = over(head);
  for (const field of [8, 12]) head.writeUInt32LE(head.readUInt32LE(field) - (end - payload), field);
  if (four) ipv4.setTotalLength(shorter, network, ipv4.totalLength(shorter, network) - (end - payload));
  else ipv6.setPayloadLength(shorter, network, ipv6.payloadLength(shorter, network) - (end - payload));
  udp.setLength(shorter, transport, udp.length(shorter, transport) - (end - payload));
  return Buffer.concat([head, record.subarray(end)]);
}

/** What the client sent on that stream, put together by offsets from lines of PIECES. */
function stream(lines: string): Buffer {
  const whole = Buffer.alloc(2 * BYTES);
  let end = 0;
  for (const line of lines.split("\n").filter((text) => text !== "")) {
    const [ids = [], offsets = [], data = []] = line.split("\t").map((field) => field.split(","));
    // A stream's first piece has no offset field; only there pieces of other streams stand beside it.
    const aligned = offsets.length === ids.length;
    for (const [i, id] of ids.entries()) {
      if (id !== "0") continue;
      const offset = aligned ? Number(offsets[i]) : 0;
      end = Math.max(end, offset + whole.write(data[i] ?? "", offset, "hex"));
    }
  }
  return whole.subarray(0, end);
}

void test("grown UDP, real programs, a router that drops what is invalid", { skip, timeout: 80_000 }, async (t) => {
  const stage = await Stage.open(t, "hx-udp");
  const { laboratory } = stage;
  const path = (name: string): string => stage.path(name);
  const start = (place: Place, command: string, ...args: string[]): Child => stage.start(place, command, ...args);
  const run = (...argv: string[]): Promise<CommandResult> => laboratory.run("speaker", argv, { timeout: 60_000 });
  /** Resolves when a server of the world listens. */
  const listens = (server: Child, port: number): Promise<void> =>
    server.until(
      async () => (await laboratory.run("world", ["ss", "-Hlun"])).stdout.includes(`:${String(port)} `),
      "listen",
      10_000,
    );
  /** Packets that the router has dropped as invalid. */
  const invalid = async (): Promise<number> => {
    const { stdout } = await laboratory.run("router", [tool("nft"), "list", "chain", "inet", "hushbox_lab", "pass"]);
    return Number(/ct state invalid counter packets (\d+)/.exec(stdout)?.[1]);
  };

  const box = await LaboratoryBox.start(laboratory, path("box"), {
    preset: "off",
    defenses: { pad: { enabled: true, target: "mtu", trailer: false, udpSurplus: true, quicPrefix: true } },
  });
  t.teardown(() => box.stop());
  const { place, interface: name } = OBSERVERS.wan;
  const { wan4, wan6 } = TOPOLOGY.router;
  const capture = await Capture.start(laboratory, place, name, path("wan.pcap"), {
    snapLength: 192,
    filter: `udp and (src host ${wan4} or src host ${wan6})`,
  });

  const dns = t.test(
    "dig",
    { skip: without("dig", "bind9-dnsutils") || without("dnsmasq", "dnsmasq-base") },
    async (t) => {
      const records = [`--address=/${NAME}/192.0.2.7`, `--address=/${NAME}/2001:db8::7`];
      const files = ["--no-resolv", "--no-hosts", "--user=root", "--conf-file=/dev/null", "--pid-file="];
      const listen = [`--listen-address=${DNS.v4}`, `--listen-address=${DNS.v6}`, "--bind-interfaces"];
      const server = start("world", which("dnsmasq") ?? "", "--keep-in-foreground", ...files, ...listen, ...records);
      await listens(server, DNS.port);
      for (const family of FAMILIES) {
        for (const edns of [["+noedns"], ["+edns=0", "+bufsize=1232"], ["+edns=0", "+cookie", "+padding=128"]]) {
          const dig = (type: string): Promise<CommandResult> =>
            run("dig", `@${DNS[family]}`, "+notcp", "+tries=4", "+time=1", "+short", ...edns, NAME, type);
          t.match(await dig("A"), { code: 0, stdout: "192.0.2.7\n" }, `${family} ${edns.join(" ")}`);
          t.match(await dig("AAAA"), { code: 0, stdout: "2001:db8::7\n" });
        }
      }
    },
  );

  const ntp = t.test("chronyd", { skip: without("chronyd", "chrony") }, async (t) => {
    const chronyd = which("chronyd") ?? "";
    const files = (file: string): string[] => [
      ...["-u", "root", "-f", "/dev/null", "-d", "cmdport 0"],
      `pidfile ${path(file)}`,
    ];
    // -x: the server leaves this machine's clock alone; -Q: so does the client, which says what it would have done.
    const listen = [`bindaddress ${TIME.v4}`, `bindaddress ${TIME.v6}`];
    const time = start("world", chronyd, "-x", ...files("server.pid"), "local stratum 3", "allow all", ...listen);
    await time.until(() => existsSync(path("server.pid")), "start", 5_000);
    await Promise.all(
      FAMILIES.map(async (family) => {
        const asks = [...files(`client-${family}.pid`), `server ${TIME[family]} iburst`];
        const { code, stderr, stdout } = await run(chronyd, "-Q", "-t", "20", ...asks);
        const offset = Number(/System clock wrong by (-?[0-9.]+) seconds/.exec(stderr + stdout)?.[1]);
        t.equal(code, 0, stderr);
        t.ok(Math.abs(offset) < 0.05, `${family}: this machine's clock differs from itself by ${offset} s`);
      }),
    );
  });

  const echo = t.test("datagrams of every size", async (t) => {
    const program = join(ROOT, "build/test/support/udp-echo.js");
    const server = start("world", process.execPath, program, "serve", String(ECHO.port), ECHO.v4, ECHO.v6);
    await server.printed(/^ready/m);
    await Promise.all(
      FAMILIES.map(async (family) => {
        const asker = start("speaker", process.execPath, program, "ask", String(ECHO.port), ECHO[family], "0", "1472");
        const { echoed, wrong, missing } = await asker.result<EchoCount>();
        t.match({ echoed, wrong, missing }, { echoed: 1473, wrong: 0, missing: [] }, family);
      }),
    );
  });

  const strangers = new Set<string>();
  const needs = without("gtlsserver", "ngtcp2-server") || without("gtlsclient", "ngtcp2-client");
  const connections = t.test("QUIC", { skip: needs }, async (t) => {
    const { key, cert } = await selfSigned(NAME);
    writeFileSync(path("key.pem"), key);
    writeFileSync(path("cert.pem"), cert);
    const random = new SeededRandom("udp-padding");
    const file = Buffer.alloc(BYTES);
    for (let i = 0; i + 4 <= file.length; i += 4) file.writeUInt32LE(random.word(), i);
    mkdirSync(path("docs"));
    writeFileSync(path("docs/part"), file);
    writeFileSync(path("docs/small"), file.subarray(0, 1e5));
    writeFileSync(path("data"), file);
    // --validate-addr: by a Retry first.
    const options = ["--quiet", "--validate-addr", "-d", path("docs"), "*", String(QUIC.port)];
    const server = start("world", which("gtlsserver") ?? "", ...options, path("key.pem"), path("cert.pem"));
    await listens(server, QUIC.port);
    // Each connection goes to another host: to one that has not answered a good-bye the watchdog begins with a plain packet.
    const hosts = Object.values(ENDPOINTS).filter(({ port }) => port === QUIC.port);
    let count = 0;
    /** The next connection is one that `quicPrefix` cannot know for its whole life. */
    const unknown = (family: (typeof FAMILIES)[number]): void => {
      strangers.add(hosts[count]?.[family] ?? "");
    };
    const ask = async (family: (typeof FAMILIES)[number], what: string, ...args: string[]): Promise<Buffer> => {
      const into = path(`quic-${String(count)}`);
      const host = hosts[count++]?.[family] ?? "";
      mkdirSync(into);
      const common = ["--quiet", "--exit-on-all-streams-close", `--download=${into}`];
      const client = ["env", `SSLKEYLOGFILE=${path("keys")}`, "gtlsclient", ...common, ...args];
      const { code, stderr } = await run(...client, host, String(QUIC.port), `https://${NAME}/${what}`);
      t.equal(code, 0, stderr.slice(-500));
      return readFileSync(join(into, what));
    };
    for (const family of FAMILIES)
      t.equal(sha256(await ask(family, "part")), sha256(file), `2 MB down over ${family}, SHA-256 right`);
    const small = sha256(file.subarray(0, 1e5));
    t.equal(sha256(await ask("v4", "small", "--scid=")), small, "a client without a connection ID");
    t.equal(sha256(await ask("v6", "small", `--scid=${"a5".repeat(18)}`)), small, "a client with a long one");
    unknown("v4");
    t.equal(sha256(await ask("v4", "small", "--version=v2draft")), small, "a version that nobody knows any more");
    unknown("v4");
    t.equal(sha256(await ask("v4", "part", "--change-local-addr=5ms")), sha256(file), "a client that moves");
    t.equal(sha256(await ask("v6", "part", "--key-update=5ms")), sha256(file), "a client that changes its keys");

    // What arrives is read where it arrives, by another program that has the keys.
    const arrived = await Capture.start(laboratory, "world", TOPOLOGY.world.net, path("world.pcap"), {
      filter: `udp port ${String(QUIC.port)}`,
    });
    for (const family of FAMILIES)
      t.equal(sha256(await ask(family, "small", "-m", "POST", "-d", path("data"))), small, `2 MB up over ${family}`);
    t.match(await arrived.stop(), { dropped: 0 });
    await t.test("as it arrived", { skip: without("tshark", "tshark") }, async (t) => {
      const fields = PIECES.flatMap((field) => ["-e", `quic.${field}`]);
      writeFileSync(path("bare.pcap"), withoutPrefixes(readFileSync(path("world.pcap"))));
      const read = ["-r", path("bare.pcap"), "-o", `tls.keylog_file:${path("keys")}`, "-T", "fields", ...fields];
      for (const [family, version] of [
        ["v4", "ip"],
        ["v6", "ipv6"],
      ] as const) {
        const filter = `${version} && udp.dstport == ${String(QUIC.port)} && quic.stream.stream_id == 0`;
        const { stdout } = await command(which("tshark") ?? "", [...read, "-Y", filter]);
        // The body is what the stream ends with, behind HTTP's frame headers.
        t.equal(sha256(stream(stdout).subarray(-BYTES)), sha256(file), `2 MB up over ${family}, SHA-256 right`);
      }
    });
  });

  await Promise.all([dns, ntp, echo, connections]);
  const { dropped } = await capture.stop();
  t.equal(dropped, 0, "the observer missed nothing");
  t.equal(await invalid(), 0, "the router found nothing invalid");

  await t.test("what the router's far side saw", async (t) => {
    const seen = { dns: 0, ntp: 0, echo: 0, quic: 0 };
    const odd: string[] = [];
    const gaps = { echo: 0, others: 0 };
    const fronts = { long: 0, prefix: 0, alone: 0, strangers: 0 };
    const roomy: string[] = [];
    eachFrame(path("wan.pcap"), (packet, view) => {
      // What the speaker itself sent in two IP packets.
      if (packet.fragment) return;
      const { transport, payload, end, wireLength, destinationPort: port } = packet;
      const kind = port === DNS.port ? "dns" : port === TIME.port ? "ntp" : port === ECHO.port ? "echo" : "quic";
      seen[kind]++;
      const length = udp.length(view, transport);
      const short = FULL - wireLength;
      // One byte short of full: a surplus of one byte has no room for its checksum.
      if (short === 1 && transport - packet.at + length === wireLength) gaps[kind === "echo" ? "echo" : "others"]++;
      else if (short !== 0) odd.push(`${kind}: ${wireLength} B, a datagram of ${length}`);
      if (kind !== "quic" || payload >= end) return;
      const room = FULL - (transport - packet.at + length);
      if (quic.isLong(view, payload)) {
        const known = quic.isKnown(quic.version(view, payload));
        const front = known && quic.type(view, payload) === quic.ZERO_RTT ? "prefix" : "long";
        fronts[front]++;
        if (front === "prefix" && room !== 0) roomy.push(`a prefix that leaves ${room} B`);
        return;
      }
      const { network } = packet;
      const to = packet.version === 4 ? ipv4.format(view.getUint32(network + 16)) : ipv6.format(view, network + 24);
      fronts[strangers.has(to) ? "strangers" : "alone"]++;
      if (!strangers.has(to) && room >= LEAST_PREFIX) roomy.push(`a 1-RTT packet alone, with ${room} B of room`);
    });
    t.same(odd, [], `${Object.values(seen).reduce((a, b) => a + b, 0)} datagrams: ${JSON.stringify(seen)}`);
    t.equal(gaps.echo, 2, "1471 bytes over IPv4 and 1451 over IPv6 leave one byte that stays empty");
    t.comment(`${gaps.others} other datagrams with one byte to fill; QUIC: ${JSON.stringify(fronts)}`);
    if (needs === false) {
      t.ok(fronts.prefix > 200, `${fronts.prefix} datagrams begin with a 0-RTT packet`);
      t.same(roomy, [], "wherever there is room for one, and then the datagram is full by UDP's length too");
    }
    const { body } = await box.ask("GET", "/metrics");
    const padded = (name: string): number =>
      Number(
        new RegExp(`^hushbox_defense_padded_packets_total\\{[^}]*mechanism="${name}"[^}]*\\} (\\d+)`, "m").exec(
          String(body),
        )?.[1],
      );
    t.comment(`udpSurplus ${padded("udpSurplus")}, quicPrefix ${padded("quicPrefix")}`);
  });

  await t.test("that router does drop a surplus without its checksum", async (t) => {
    const { speaker, router } = TOPOLOGY;
    const ends = { from: speaker.v4, to: ECHO.v4, source: speaker.mac, destination: router.mac };
    const bytes = frame({ ...ends, sourcePort: 40_001, destinationPort: ECHO.port, trailer: 100, protocol: UDP });
    const view = over(bytes);
    ipv4.setTotalLength(view, ethernet.HEADER, bytes.length - ethernet.HEADER);
    ipv4.updateChecksum(view, ethernet.HEADER);
    const raw = [process.execPath, join(ROOT, "build/test/support/raw-frames.js"), speaker.interface, "lo"];
    const sent = await laboratory.run("speaker", raw, { input: `${Buffer.from(bytes).toString("hex")}\n` });
    t.match(sent, { code: 0, stdout: "ready\n1\n" }, sent.stderr);
    t.equal(await invalid(), 1);
  });
});
