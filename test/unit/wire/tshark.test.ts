// Every packet of the real captures, read here and by tshark. tshark reads on into what a packet carries (tunnels, the packet that an
// ICMP error quotes), so of each field its first occurrence is taken, and only of the protocols that lie outermost.
import { execFileSync } from "node:child_process";
import { basename } from "node:path";
import { test, type Test } from "tap";
import { HushboxError } from "../../../src/errors/hushbox-error.js";
import { CaptureReader } from "../../../src/nic/capture-reader.js";
import { dissect } from "../../../src/packet/dissect.js";
import type { Packet } from "../../../src/packet/packet.js";
import { Pool } from "../../../src/packet/pool.js";
import * as arp from "../../../src/wire/arp.js";
import * as checksum from "../../../src/wire/checksum.js";
import * as ethernet from "../../../src/wire/ethernet.js";
import * as icmp from "../../../src/wire/icmp.js";
import * as ipv4 from "../../../src/wire/ipv4.js";
import * as ipv6 from "../../../src/wire/ipv6.js";
import { ICMP, ICMPV6, TCP, UDP } from "../../../src/wire/protocol.js";
import * as tcp from "../../../src/wire/tcp.js";
import * as udp from "../../../src/wire/udp.js";
import { captures, headerCaptures, missing } from "../../support/shared-data.js";

const FIELDS = [
  ...["frame.protocols", "frame.len", "frame.cap_len", "frame.time_epoch", "eth.src", "eth.dst"],
  ...["arp.opcode", "arp.src.hw_mac", "arp.src.proto_ipv4", "arp.dst.hw_mac", "arp.dst.proto_ipv4"],
  ...["ip.src", "ip.dst", "ip.len", "ip.hdr_len", "ip.id", "ip.flags.df", "ip.flags.mf", "ip.frag_offset", "ip.ttl"],
  ...["ip.proto", "ip.checksum", "ip.checksum.status", "ip.dsfield"],
  ...["ipv6.src", "ipv6.dst", "ipv6.plen", "ipv6.nxt", "ipv6.hlim", "ipv6.flow", "ipv6.tclass"],
  ...["tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.hdr_len", "tcp.flags", "tcp.window_size_value"],
  ...["tcp.checksum", "tcp.checksum.status", "tcp.urgent_pointer", "tcp.len", "tcp.options.mss_val"],
  ...["tcp.options.wscale.shift", "tcp.options.sack_perm", "tcp.options.sack.count", "tcp.options.sack_le"],
  ...["tcp.options.sack_re", "tcp.options.timestamp.tsval", "tcp.options.timestamp.tsecr"],
  ...["udp.srcport", "udp.dstport", "udp.length", "udp.checksum", "udp.checksum.status"],
  ...["icmp.type", "icmp.code", "icmpv6.type", "icmpv6.code"],
] as const;
type Row = Partial<Record<(typeof FIELDS)[number], string>>;

const OPTIONS = [
  ...["ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE"],
  ...["ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE"],
  // Guesses at offloads of the capturing host are tshark's own business.
  ...["ip.tso_support:FALSE", "tcp.relative_sequence_numbers:FALSE"],
].flatMap((option) => ["-o", option]);

function tshark(path: string): Row[] {
  const fields = FIELDS.flatMap((field) => ["-e", field]);
  const args = ["-n", "-r", path, ...OPTIONS, "-T", "fields", "-E", "occurrence=f", ...fields];
  const text = execFileSync("tshark", args, { maxBuffer: 1 << 30, stdio: ["ignore", "pipe", "ignore"] }).toString();
  return text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => {
      const row: Row = {};
      for (const [i, value] of line.split("\t").entries()) {
        const field = FIELDS[i];
        if (field !== undefined && value !== "") row[field] = value;
      }
      return row;
    });
}

/** The protocols from the outside in, without Ethernet, tags, and the extension headers of IPv6. */
function layers(row: Row): string[] {
  const skip = /^(eth|ethertype|vlan|ipv6\..*)$/;
  return (row["frame.protocols"] ?? "").split(":").filter((name) => !skip.test(name));
}

const PROTOCOLS = new Map([
  [TCP, "tcp"],
  [UDP, "udp"],
  [ICMP, "icmp"],
  [ICMPV6, "icmpv6"],
]);

/** What we read of a packet, under tshark's names and in tshark's form. */
function ours(p: Packet, view: DataView): Row {
  const row: Row = {
    "frame.len": String(p.wireLength),
    "frame.cap_len": String(p.length),
    "eth.src": ethernet.formatMac(ethernet.source(view, p.at)),
    "eth.dst": ethernet.formatMac(ethernet.destination(view, p.at)),
  };
  const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, "0")}`;
  const n = p.network;
  const t = p.transport;
  if (p.etherType === ethernet.ARP && arp.fits(view, n, p.end)) {
    row["arp.opcode"] = String(arp.operation(view, n));
    row["arp.src.hw_mac"] = ethernet.formatMac(arp.senderMac(view, n));
    row["arp.src.proto_ipv4"] = ipv4.format(arp.senderAddress(view, n));
    row["arp.dst.hw_mac"] = ethernet.formatMac(arp.targetMac(view, n));
    row["arp.dst.proto_ipv4"] = ipv4.format(arp.targetAddress(view, n));
  }
  if (p.version === 4) {
    row["ip.src"] = ipv4.format(ipv4.source(view, n));
    row["ip.dst"] = ipv4.format(ipv4.destination(view, n));
    row["ip.len"] = String(ipv4.totalLength(view, n));
    row["ip.hdr_len"] = String(ipv4.headerLength(view, n));
    row["ip.id"] = hex(ipv4.identification(view, n), 4);
    row["ip.flags.df"] = ipv4.dontFragment(view, n) ? "1" : "0";
    row["ip.flags.mf"] = ipv4.moreFragments(view, n) ? "1" : "0";
    row["ip.frag_offset"] = String(ipv4.fragmentOffset(view, n) / 8);
    row["ip.ttl"] = String(ipv4.ttl(view, n));
    row["ip.proto"] = String(ipv4.protocol(view, n));
    row["ip.checksum"] = hex(ipv4.checksum(view, n), 4);
    row["ip.checksum.status"] = ipv4.checksumValid(view, n) ? "1" : "0";
    row["ip.dsfield"] = hex(ipv4.trafficClass(view, n), 2);
  } else if (p.version === 6) {
    row["ipv6.src"] = ipv6.format(view, n + ipv6.SOURCE);
    row["ipv6.dst"] = ipv6.format(view, n + ipv6.DESTINATION);
    row["ipv6.plen"] = String(ipv6.payloadLength(view, n));
    row["ipv6.nxt"] = String(ipv6.nextHeader(view, n));
    row["ipv6.hlim"] = String(ipv6.hopLimit(view, n));
    row["ipv6.flow"] = hex(ipv6.flowLabel(view, n), 6);
    row["ipv6.tclass"] = hex(ipv6.trafficClass(view, n), 8);
  }
  const packetEnd = n + (p.version === 4 ? ipv4.totalLength(view, n) : ipv6.HEADER + ipv6.payloadLength(view, n));
  // 2 is "unverified": a sum over what is not there.
  const status = (): string => {
    if (p.fragment || p.end < packetEnd) return "2";
    return checksum.transportValid(view, p.version, n, p.protocol, t, p.end) ? "1" : "0";
  };
  if (p.protocol === TCP) {
    row["tcp.srcport"] = String(p.sourcePort);
    row["tcp.dstport"] = String(p.destinationPort);
    row["tcp.seq_raw"] = String(tcp.sequence(view, t));
    row["tcp.ack_raw"] = String(tcp.acknowledgment(view, t));
    row["tcp.hdr_len"] = String(tcp.headerLength(view, t));
    row["tcp.flags"] = hex(tcp.flags(view, t), 4);
    row["tcp.window_size_value"] = String(tcp.window(view, t));
    row["tcp.checksum"] = hex(tcp.checksum(view, t), 4);
    row["tcp.urgent_pointer"] = String(tcp.urgent(view, t));
    row["tcp.checksum.status"] = status();
    row["tcp.len"] = String(packetEnd - t - tcp.headerLength(view, t));
    if (p.payload > t) {
      const set = (field: keyof Row, value: number): void => {
        if (value !== -1) row[field] = String(value);
      };
      set("tcp.options.mss_val", tcp.mss(view, t));
      set("tcp.options.wscale.shift", tcp.windowScale(view, t));
      if (tcp.sackPermitted(view, t)) row["tcp.options.sack_perm"] = "0402";
      const stamps = tcp.timestamps(view, t);
      if (stamps !== -1) {
        set("tcp.options.timestamp.tsval", tcp.timestampValue(view, stamps));
        set("tcp.options.timestamp.tsecr", tcp.timestampEcho(view, stamps));
      }
      const sack = tcp.option(view, t, tcp.OPTION_SACK);
      if (sack !== -1) {
        set("tcp.options.sack.count", tcp.sackBlocks(view, t));
        set("tcp.options.sack_le", tcp.sackLeft(view, sack, 0));
        set("tcp.options.sack_re", tcp.sackRight(view, sack, 0));
      }
    }
  } else if (p.protocol === UDP) {
    row["udp.srcport"] = String(p.sourcePort);
    row["udp.dstport"] = String(p.destinationPort);
    row["udp.length"] = String(udp.length(view, t));
    row["udp.checksum"] = hex(udp.checksum(view, t), 4);
    row["udp.checksum.status"] = udp.checksum(view, t) === 0 ? "3" : status();
  } else if (p.protocol === ICMP) {
    row["icmp.type"] = String(icmp.type(view, t));
    row["icmp.code"] = String(icmp.code(view, t));
  } else if (p.protocol === ICMPV6) {
    row["icmpv6.type"] = String(icmp.type(view, t));
    row["icmpv6.code"] = String(icmp.code(view, t));
  }
  return row;
}

/** Seconds with nine decimals in microseconds, to a double's grain. */
function micros(text = ""): number {
  const [seconds = "", nanos = ""] = text.split(".");
  return Number(seconds) * 1e6 + Number(nanos) / 1e3;
}

interface Difference {
  readonly file: string;
  readonly packet: number;
  readonly field: string;
  readonly ours: string | undefined;
  readonly theirs: string | undefined;
}

function compare(path: string): { packets: number; fields: number; differences: Difference[] } {
  const rows = tshark(path);
  const pool = new Pool(1);
  const [packet, reader] = [pool.packet(0), CaptureReader.open(path)];
  const bytes = new Uint8Array(1 << 18);
  const view = new DataView(bytes.buffer);
  const differences: Difference[] = [];
  let fields = 0;
  try {
    while (reader.next(bytes)) {
      const theirs = rows[reader.packets - 1] ?? {};
      const differs = (field: string, mine: string | undefined, their: string | undefined): void => {
        fields++;
        if (mine !== their)
          differences.push({ file: basename(path), packet: reader.packets, field, ours: mine, theirs: their });
      };
      packet.length = reader.length;
      packet.wireLength = reader.originalLength;
      dissect(packet, view);
      const mine = ours(packet, view);
      const [network = "", transport = ""] = layers(theirs);
      differs(
        "network",
        packet.version === 4 ? "ip" : packet.version === 6 ? "ipv6" : network.replace(/^ip(v6)?$/, "none"),
        network,
      );
      const known = [...PROTOCOLS.values()].includes(transport) ? transport : "other";
      const malformed = transport === "tcp" && impossible(theirs);
      if (malformed) differs("malformed", String(packet.protocol), "-1");
      else if (packet.version !== 0) differs("transport", PROTOCOLS.get(packet.protocol) ?? "other", known);
      differs("time", reader.time.toFixed(2), micros(theirs["frame.time_epoch"]).toFixed(2));
      for (const field of FIELDS) {
        const layer = field.split(".")[0] ?? "";
        const outermost = ["frame", "eth"].includes(layer) || layer === network || (layer === transport && !malformed);
        // A field that only one of us reads is a difference too.
        if (outermost && !ELSEWHERE.has(field)) differs(field, mine[field], theirs[field]);
      }
    }
  } finally {
    reader.close();
  }
  differences.push(
    ...(reader.packets === rows.length
      ? []
      : [
          {
            file: basename(path),
            packet: 0,
            field: "packets",
            ours: String(reader.packets),
            theirs: String(rows.length),
          },
        ]),
  );
  return { packets: reader.packets, fields, differences };
}

/** Compared above. */
const ELSEWHERE = new Set<string>(["frame.protocols", "frame.time_epoch"]);

/** A TCP header length below 20 or beyond the packet: tshark shows the ports before it finds that out, hushbox calls the whole malformed. */
function impossible(row: Row): boolean {
  const header = Number(row["tcp.hdr_len"] ?? 0);
  return header < tcp.HEADER || header > Number(row["ip.len"]) - Number(row["ip.hdr_len"]);
}

function check(t: Test, paths: string[]): void {
  let packets = 0;
  let fields = 0;
  for (const path of paths) {
    try {
      const found = compare(path);
      packets += found.packets;
      fields += found.fields;
      t.same(
        found.differences.slice(0, 10),
        [],
        `${basename(path)}: ${String(found.packets)} packets, ${String(found.differences.length)} differences`,
      );
    } catch (error) {
      if (!(error instanceof HushboxError)) throw error;
      t.match(error, { code: "link-type-unsupported", message: /link type 9 \(PPP\)/ });
      t.equal(basename(path), "dlt_ppp.pcap");
    }
  }
  t.comment(`${String(packets)} packets, ${String(fields)} fields compared with tshark`);
}

test("the same as tshark, on whole packets", { skip: missing("tshark", "xz"), timeout: 1_200_000 }, async (t) => {
  check(t, captures(t.testdir()));
});

test(
  "the same as tshark, on packets cut behind their headers",
  { skip: missing("tshark", "xz", "tar"), timeout: 1_200_000 },
  async (t) => {
    check(t, headerCaptures(t.testdir(), 3));
  },
);
