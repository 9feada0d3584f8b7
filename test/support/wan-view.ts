import { FeatureWindow } from "../../src/features/feature-window.js";
import { DOWN, UP, type Packet } from "../../src/packet/packet.js";
import { micros } from "../../src/time/micros.js";
import { TOPOLOGY } from "../../src/emulator/topology.js";
import { Observer } from "../../src/trace/observer.js";
import { AddressSubject } from "../../src/trace/subject.js";
import { Prefixes } from "../../src/wire/prefix.js";
import { ICMP, ICMPV6, TCP, UDP } from "../../src/wire/protocol.js";
import * as icmp from "../../src/wire/icmp.js";
import * as icmpv6 from "../../src/wire/icmpv6.js";
import * as ipv4 from "../../src/wire/ipv4.js";
import * as ipv6 from "../../src/wire/ipv6.js";
import { before, distance } from "../../src/wire/sequence.js";
import * as tcp from "../../src/wire/tcp.js";
import { eachFrame } from "./seen-frames.js";

/** Packets that no mechanism touches: the others are the rest. */
export const EXCUSED = ["SYN", "third ACK", "RST"] as const;
export type PacketKind =
  | (typeof EXCUSED)[number]
  | "ACK"
  | "ACK without SACK"
  | "data"
  /** Holds nothing new: a retransmission, or an acknowledgment behind bytes that were sent before. */
  | "repeated"
  | "FIN"
  | "keep-alive"
  | "UDP"
  | "echo request"
  | "ICMP"
  | "fragment"
  | "other";

/** A packet on its way up that has not the target's length. */
export interface Exception {
  readonly kind: PacketKind;
  /** Of the frame. */
  readonly length: number;
  readonly flow: string;
  /** Which packet up it was, counted from 1. */
  readonly number: number;
  /** Microseconds since the flow's packet before it; for TCP, bytes of stream before this packet and of them not acknowledged when it passed here. */
  readonly since: number;
  /** Microseconds since the flow's last packet down; null where there was none. */
  readonly heard: number | null;
  readonly sent: number;
  readonly unacknowledged: number;
}

/** What an observer behind the router sees of the way up. */
export interface WanView {
  readonly packets: number;
  readonly atTarget: number;
  readonly stdLength: number;
  /** Without what is excused. */
  readonly stdLengthRest: number;
  readonly restPackets: number;
  readonly restAtTarget: number;
  /** Of TCP windows in bytes. */
  readonly stdWindow: number;
  /** How many packets announce each of the commonest windows. */
  readonly windows: Readonly<Record<string, number>>;
  /** How many packets of each kind have another length. */
  readonly exceptions: Readonly<Partial<Record<PacketKind, number>>>;
  /** The first of them that are not excused. */
  readonly examples: readonly Exception[];
}

const EXAMPLES = 25;

interface Conversation {
  /** Behind the SYN: the third ACK has this sequence number, and no other follows one that has more. */
  start: number;
  next: number;
  /** What the far side has acknowledged. */
  acknowledged: number;
  sack: boolean;
}

/** Reads a capture of the link between router and provider. `targets`: frame lengths that count as reached. */
export function wanView(path: string, targets: readonly number[]): WanView {
  const house = new AddressSubject(new Prefixes([TOPOLOGY.router.wan4, TOPOLOGY.router.wan6]));
  const observer = new Observer("wan", new Prefixes([]));
  // In bytes: what the field stands for, as who saw both SYNs reads it.
  const [all, rest] = [new FeatureWindow("scaled"), new FeatureWindow("scaled")];
  const conversations = new Map<string, Conversation>();
  const exceptions: Partial<Record<PacketKind, number>> = {};
  const examples: Exception[] = [];
  const windows = new Map<number, number>();
  const counts = { atTarget: 0, restAtTarget: 0 };
  let number = 0;
  const times = new Map<string, number>();
  const heardAt = new Map<string, number>();
  eachFrame(path, (packet, view, at) => {
    const direction = house.direction(packet, view);
    if (direction === DOWN) heardAt.set(flowOf(packet, view, false), at);
    if (direction === DOWN && packet.protocol === TCP) {
      answered(packet, view, conversations);
      observer.observe(packet, view, DOWN, micros(number));
    }
    if (direction !== UP) return;
    packet.direction = UP;
    if (!observer.observe(packet, view, UP, micros(number++))) return;
    const flow = flowOf(packet, view, true);
    const lastAt = times.get(flow);
    times.set(flow, at);
    const window = observer.observation.scaledWindow;
    if (window >= 0) windows.set(window, (windows.get(window) ?? 0) + 1);
    const kind = kindOf(packet, view, conversations, flow);
    const excused = (EXCUSED as readonly PacketKind[]).includes(kind);
    const { length } = observer.observation;
    const reached = targets.includes(length);
    all.add(observer.observation);
    if (!excused) rest.add(observer.observation);
    if (reached) {
      counts.atTarget++;
      if (!excused) counts.restAtTarget++;
      return;
    }
    exceptions[kind] = (exceptions[kind] ?? 0) + 1;
    if (excused || examples.length === EXAMPLES) return;
    const { start = 0, next = 0, acknowledged = 0 } = conversations.get(flow) ?? {};
    const [sent, unacknowledged] = [distance(start, next), distance(acknowledged, next)];
    const last = heardAt.get(flow);
    const heard = last === undefined ? null : at - last;
    examples.push({ kind, length, flow, number, since: at - (lastAt ?? at), heard, sent, unacknowledged });
  });
  return {
    packets: all.packets,
    restPackets: rest.packets,
    ...counts,
    stdLength: all.features().std_len_pack,
    stdLengthRest: rest.features().std_len_pack,
    stdWindow: all.features().std_window,
    windows: Object.fromEntries([...windows].sort(([, a], [, b]) => b - a).slice(0, 8)),
    exceptions,
    examples,
  };
}

/** What comes back: a SYN-ACK shows whether SACK was agreed on. */
function answered(packet: Packet, view: DataView, conversations: Map<string, Conversation>): void {
  const known = conversations.get(flowOf(packet, view, false));
  if (known === undefined) return;
  const acknowledgment = tcp.acknowledgment(view, packet.transport);
  if (before(known.acknowledged, acknowledgment)) known.acknowledged = acknowledgment;
  if ((tcp.flags(view, packet.transport) & tcp.SYN) !== 0) known.sack = tcp.sackPermitted(view, packet.transport);
}

function kindOf(packet: Packet, view: DataView, conversations: Map<string, Conversation>, flow: string): PacketKind {
  if (packet.fragment) return "fragment";
  if (packet.protocol === UDP) return "UDP";
  if (packet.protocol === ICMP || packet.protocol === ICMPV6) {
    const type = view.getUint8(packet.transport);
    return type === (packet.protocol === ICMP ? icmp.ECHO_REQUEST : icmpv6.ECHO_REQUEST) ? "echo request" : "ICMP";
  }
  if (packet.protocol !== TCP) return "other";
  const at = packet.transport;
  const flags = tcp.flags(view, at);
  if ((flags & tcp.RST) !== 0) return "RST";
  const sequence = tcp.sequence(view, at);
  if ((flags & tcp.SYN) !== 0) {
    const start = (sequence + 1) >>> 0;
    conversations.set(flow, { start, next: start, acknowledged: start, sack: true });
    return "SYN";
  }
  const known = conversations.get(flow);
  const payload = tcpPayload(packet, view);
  const end = (sequence + payload) >>> 0;
  if (known === undefined) return payload > 0 ? "data" : "ACK";
  const kind = ((): PacketKind => {
    if ((flags & tcp.FIN) !== 0) return "FIN";
    // A second copy of the third ACK answers a SYN-ACK that came again: it is one too.
    if (payload === 0 && sequence === known.start && known.next === known.start) return "third ACK";
    if (payload <= 1 && before(end, known.next)) return "keep-alive";
    if (payload > 0) return before(known.next, end) ? "data" : "repeated";
    return known.sack ? "ACK" : "ACK without SACK";
  })();
  if (before(known.next, end)) known.next = end;
  return kind;
}

function tcpPayload(packet: Packet, view: DataView): number {
  const { network, version, transport } = packet;
  const whole = version === 4 ? ipv4.totalLength(view, network) : ipv6.HEADER + ipv6.payloadLength(view, network);
  return network + whole - transport - tcp.headerLength(view, transport);
}

function flowOf(packet: Packet, view: DataView, up: boolean): string {
  const { version, network, protocol, sourcePort, destinationPort } = packet;
  const far =
    version === 4
      ? ipv4.format(up ? ipv4.destination(view, network) : ipv4.source(view, network))
      : ipv6.format(view, network + (up ? ipv6.DESTINATION : ipv6.SOURCE));
  const [near, there] = up ? [sourcePort, destinationPort] : [destinationPort, sourcePort];
  return `${protocol} ${near} ${far} ${there}`;
}
