import { HushboxError } from "../../errors/hushbox-error.js";
import { CaptureReader } from "../../nic/capture-reader.js";
import { formatMac, fits, IPV4, isGroup, source, destination, type, HEADER } from "../../wire/ethernet.js";
import * as ipv4 from "../../wire/ipv4.js";

/** Frames that are looked at: a speaker that talks at all has met several hosts by then. */
const FRAMES = 20_000;
/** Cards that are remembered; a capture between a speaker and its router has few. */
const CARDS = 4096;

interface Card {
  /** The first two IPv4 addresses that it sent from. */
  readonly addresses: number[];
}

/**
 * The MAC address of the speaker in a capture of its link, where nobody names it. Of the two cards between which most frames go, the speaker is
 * the one that sends from a single IPv4 address; the other, the router's, sends from those of all the hosts behind it. Throws
 * `dataset-invalid` where that does not tell them apart.
 */
export function findDevice(path: string): number {
  const cards = new Map<number, Card>();
  const pairs = new Map<string, { frames: number; ends: [number, number] }>();
  const reader = CaptureReader.open(path, { truncated: "end" });
  try {
    while (reader.packets < FRAMES && reader.next()) {
      const { view, at } = reader;
      const end = at + reader.length;
      if (!fits(at, end) || isGroup(destination(view, at))) continue;
      const ends: [number, number] = [source(view, at), destination(view, at)];
      if (cards.size < CARDS && !cards.has(ends[0])) cards.set(ends[0], { addresses: [] });
      const key = [...ends].sort((a, b) => a - b).join();
      const pair = pairs.get(key) ?? { frames: 0, ends };
      pair.frames++;
      if (pairs.size < CARDS || pairs.has(key)) pairs.set(key, pair);
      const network = at + HEADER;
      if (type(view, at) !== IPV4 || network + ipv4.HEADER > end) continue;
      const addresses = cards.get(ends[0])?.addresses;
      const sender = ipv4.source(view, network);
      if (addresses !== undefined && addresses.length < 2 && !addresses.includes(sender)) addresses.push(sender);
    }
  } finally {
    reader.close();
  }
  const busiest = [...pairs.values()].sort((a, b) => b.frames - a.frames)[0];
  if (busiest === undefined) throw untold(path, "it has no frame from one card to another");
  const [one, other] = busiest.ends.map((mac) => ({ mac, count: cards.get(mac)?.addresses.length ?? 0 }));
  if (one !== undefined && other !== undefined) {
    if (one.count === 1 && other.count > 1) return one.mac;
    if (other.count === 1 && one.count > 1) return other.mac;
  }
  const names = busiest.ends.map((mac) => formatMac(mac)).join(" and ");
  throw untold(path, `between ${names}, none is the one that sends from a single IPv4 address`);
}

function untold(path: string, why: string): HushboxError {
  return new HushboxError("dataset-invalid", `looking for the speaker in ${path}: ${why}; name it with device`);
}
