import { CaptureReader } from "../../src/nic/capture-reader.js";
import { dissect } from "../../src/packet/dissect.js";
import { SLOT_BYTES, type Packet } from "../../src/packet/packet.js";
import { Pool } from "../../src/packet/pool.js";
import { micros, type Micros } from "../../src/time/micros.js";

/** Calls `see` with every frame of a capture, dissected, and when it was taken; the packet is another one the next time. */
export function eachFrame(path: string, see: (packet: Packet, view: DataView, at: Micros) => void): void {
  const pool = new Pool(1);
  const packet = pool.packet(0);
  const reader = CaptureReader.open(path);
  try {
    for (;;) {
      packet.clear();
      if (!reader.next(pool.bytes, packet.at, SLOT_BYTES)) return;
      packet.length = Math.min(reader.length, SLOT_BYTES);
      packet.wireLength = reader.originalLength;
      dissect(packet, pool.view);
      see(packet, pool.view, micros(reader.time));
    }
  } finally {
    reader.close();
  }
}
