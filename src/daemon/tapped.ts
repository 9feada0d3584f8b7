import { join } from "node:path";
import type { Cards } from "../nic/nic.js";
import { TappedCards } from "../nic/pcap-tap.js";
import { PcapWriter } from "../nic/pcap-writer.js";
import type { Pool } from "../packet/pool.js";
import { micros } from "../time/micros.js";

/** The cards, with every frame written to `inside.pcap` and `outside.pcap` in a directory; without one, the cards as they are. */
export function tapped(cards: Cards, directory: string, pool: Pool): Cards {
  if (directory === "") return cards;
  // The cards' time is CLOCK_MONOTONIC; a step of the wall clock later on is not followed.
  const epoch = micros(Date.now() * 1e3 - Number(process.hrtime.bigint()) / 1e3);
  const [inside, outside] = ["inside", "outside"].map((side) => new PcapWriter(join(directory, `${side}.pcap`)));
  return new TappedCards({ epoch }, { cards, inside: inside ?? null, outside: outside ?? null, pool });
}
