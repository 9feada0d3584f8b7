import { generateKeyPairSync } from "node:crypto";
import { existsSync } from "node:fs";
import type { Tool } from "./command.js";
import { ENDPOINTS } from "./endpoints.js";
import { TOPOLOGY } from "./topology.js";

/** A pair of WireGuard keys, as `wg genkey` and `wg pubkey` print them. */
export interface WgKeys {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** Makes a pair (X25519, RFC 7748). */
export function wgKeys(): WgKeys {
  const { privateKey } = generateKeyPairSync("x25519");
  const { d = "", x = "" } = privateKey.export({ format: "jwk" });
  const base64 = (text: string): string => Buffer.from(text, "base64url").toString("base64");
  return { privateKey: base64(d), publicKey: base64(x) };
}

/** The wg-quick files of a laboratory's two ends. */
export function wgFiles(box = wgKeys(), gateway = wgKeys()): { readonly box: string; readonly gateway: string } {
  const { tunnel, gateway: far } = TOPOLOGY;
  return {
    box: `[Interface]
PrivateKey = ${box.privateKey}
Address = ${tunnel.box.v4}/32, ${tunnel.box.v6}/128
DNS = ${ENDPOINTS.resolver.v4}, ${ENDPOINTS.resolver.v6}

[Peer]
PublicKey = ${gateway.publicKey}
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = ${far.v4}:${far.port}
PersistentKeepalive = 25
`,
    gateway: `[Interface]
PrivateKey = ${gateway.privateKey}
Address = ${tunnel.gateway.v4}/24, ${tunnel.gateway.v6}/64
ListenPort = ${far.port}

[Peer] # kitchen
PublicKey = ${box.publicKey}
AllowedIPs = ${tunnel.box.v4}/32, ${tunnel.box.v6}/128
`,
  };
}

/** What a tunnel needs of this machine: where the kernel's module is not loaded, wireguard-go too. */
export function tunnelTools(): readonly Tool[] {
  return existsSync("/sys/module/wireguard") ? ["wg"] : ["wg", "wireguard-go"];
}
