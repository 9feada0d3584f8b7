import { generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import type { Tool } from "./command.js";
import { ENDPOINTS } from "./endpoints.js";
import { TOPOLOGY } from "./topology.js";

/** A pair of WireGuard keys, as `wg genkey` and `wg pubkey` print them. */
export interface WgKeys {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** Bytes of a key; in DER it stands last. */
const KEY = 32;

/**
 * Makes a pair (X25519, RFC 7748). As DER and not as key objects: while Node 20 writes one of a pair as JWK, it holds a lock of the pair that
 * the garbage collector may want at that moment, and then stands for ever (seen with some hundred pairs, test/bench/gateway.ts).
 */
export function wgKeys(): WgKeys {
  const { privateKey, publicKey } = generateKeyPairSync("x25519", {
    publicKeyEncoding: { type: "spki", format: "der" },
    privateKeyEncoding: { type: "pkcs8", format: "der" },
  });
  const base64 = (der: Buffer): string => der.subarray(-KEY).toString("base64");
  return { privateKey: base64(privateKey), publicKey: base64(publicKey) };
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

/** What a tunnel needs of this machine: where the kernel has no WireGuard, wireguard-go too. `root`: another tree of files, for tests. */
export function tunnelTools(root = "/"): readonly Tool[] {
  const modules = join(root, "lib/modules", release());
  // A module that is not loaded yet is, by the kernel itself, when the first interface of its kind is asked for.
  const has =
    existsSync(join(root, "sys/module/wireguard")) ||
    ["modules.dep", "modules.builtin"].some((list) => names(join(modules, list)));
  return has ? ["wg"] : ["wg", "wireguard-go"];
}

/** True where a list of modules, as depmod makes them, has WireGuard. */
function names(path: string): boolean {
  return existsSync(path) && /\/wireguard\.ko/.test(readFileSync(path, "utf8"));
}
