import type { Packet } from "../../packet/packet.js";

/** One way to add bytes to a packet without its endpoints noticing. One file each; `pad` asks them in order until the target is reached. */
export interface Mechanism {
  readonly name: string;
  /**
   * Brings the frame toward `target` bytes (`wireLength + pad`), never beyond. Leaves a packet alone that it does not understand.
   * Bytes it cannot place stay for the next mechanism.
   */
  grow(packet: Packet, target: number): void;
}
