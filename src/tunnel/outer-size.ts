import * as ipv4 from "../wire/ipv4.js";
import * as ipv6 from "../wire/ipv6.js";
import * as udp from "../wire/udp.js";

/** A WireGuard data packet: type, receiver and counter, 16 bytes, and the tag of Poly1305, 16 more (WireGuard paper, 5.4.6). */
export const WIREGUARD = 32;
/** Plaintexts are padded to a multiple of this, but never beyond the interface's MTU (Linux drivers/net/wireguard/send.c; wireguard-go device/send.go). */
const ALIGNED = 16;
/** The MTU of a WireGuard interface: 1500 less the largest outer headers, over IPv6. */
export const WIREGUARD_MTU = 1420;

/** UDP payloads of WireGuard's handshake: the initiation and its response (WireGuard paper, 5.4.2 and 5.4.3). */
export const INITIATION = 148;
export const RESPONSE = 92;

/** Bytes of the outer IP packet that carries a UDP payload. */
export function outerBytes(payload: number, version: 4 | 6 = 4): number {
  return (version === 4 ? ipv4.HEADER : ipv6.HEADER) + udp.HEADER + payload;
}

/** Bytes of the outer IP packet for a plaintext of so many. */
export function sealedBytes(plaintext: number, version: 4 | 6 = 4, mtu = WIREGUARD_MTU): number {
  const padded = Math.min(Math.ceil(plaintext / ALIGNED) * ALIGNED, Math.max(mtu, plaintext));
  return outerBytes(WIREGUARD + padded, version);
}
