// The initiator's side of WireGuard (whitepaper, 5.4), so that one process can be the tunnels of two hundred boxes.
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
} from "node:crypto";
import { wgKeys, type WgKeys } from "../../../src/emulator/wireguard.js";
import { INITIATION, RESPONSE } from "../../../src/tunnel/outer-size.js";
import { blake2s, hmac } from "./blake2s.js";

const CIPHER = "chacha20-poly1305";
const TAG = { authTagLength: 16 } as const;
const HEADER = 16;
/** TAI64's label of 1970. */
const TAI = 2n ** 62n + 10n;

const CHAIN = blake2s(Buffer.from("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"));
const HASH = blake2s(Buffer.concat([CHAIN, Buffer.from("WireGuard v1 zx2c4 Jason@zx2c4.com")]));

function publicOf(raw: Buffer): KeyObject {
  return createPublicKey({ key: { kty: "OKP", crv: "X25519", x: raw.toString("base64url") }, format: "jwk" });
}

function privateOf({ privateKey, publicKey }: WgKeys): KeyObject {
  const [d = "", x = ""] = [privateKey, publicKey].map((key) => Buffer.from(key, "base64").toString("base64url"));
  return createPrivateKey({ key: { kty: "OKP", crv: "X25519", d, x }, format: "jwk" });
}

function derive(chain: Buffer, input: Buffer, count: number): Buffer[] {
  const secret = hmac(chain, input);
  const out: Buffer[] = [];
  for (let i = 1; i <= count; i++) out.push(hmac(secret, Buffer.concat([out.at(-1) ?? Buffer.alloc(0), Buffer.of(i)])));
  return out;
}

function nonce(counter: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeBigUInt64LE(BigInt(counter), 4);
  return bytes;
}

function seal(key: Buffer, counter: number, plain: Uint8Array, also: Uint8Array): Buffer {
  const cipher = createCipheriv(CIPHER, key, nonce(counter), TAG);
  cipher.setAAD(also, { plaintextLength: plain.length });
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function open(key: Buffer, counter: number, sealed: Buffer, also: Uint8Array): Buffer {
  const cipher = createDecipheriv(CIPHER, key, nonce(counter), TAG);
  cipher.setAAD(also, { plaintextLength: sealed.length - TAG.authTagLength });
  cipher.setAuthTag(sealed.subarray(-TAG.authTagLength));
  return Buffer.concat([cipher.update(sealed.subarray(0, -TAG.authTagLength)), cipher.final()]);
}

/** One tunnel. `index` names it among those of this socket. */
export class WireGuardBox {
  readonly index: number;
  readonly #own: KeyObject;
  readonly #ownPublic: Buffer;
  readonly #far: KeyObject;
  readonly #farPublic: Buffer;
  #ephemeral: KeyObject;
  #chain = CHAIN;
  #hash = HASH;
  #sends: Buffer | null = null;
  #receives: Buffer | null = null;
  #farIndex = 0;
  #counter = 0;

  /** Keys in base64, as WireGuard's files have them. */
  constructor(index: number, keys: WgKeys, far: string) {
    this.index = index;
    this.#own = this.#ephemeral = privateOf(keys);
    this.#ownPublic = Buffer.from(keys.publicKey, "base64");
    this.#farPublic = Buffer.from(far, "base64");
    this.#far = publicOf(this.#farPublic);
  }

  get up(): boolean {
    return this.#sends !== null;
  }

  /** The first message of a handshake. */
  initiation(): Buffer {
    const keys = wgKeys();
    this.#ephemeral = privateOf(keys);
    const ephemeral = Buffer.from(keys.publicKey, "base64");
    this.#hash = blake2s(Buffer.concat([HASH, this.#farPublic]));
    [this.#chain = CHAIN] = derive(CHAIN, ephemeral, 1);
    this.#mix(ephemeral);
    const known = this.#sealed(this.#ephemeral, this.#ownPublic);
    const time = Buffer.alloc(12);
    const now = Date.now();
    time.writeBigUInt64BE(TAI + BigInt(Math.floor(now / 1000)));
    time.writeUInt32BE((now % 1000) * 1e6, 8);
    const stamp = this.#sealed(this.#own, time);
    const message = Buffer.alloc(INITIATION);
    message[0] = 1;
    message.writeUInt32LE(this.index, 4);
    Buffer.concat([ephemeral, known, stamp]).copy(message, 8);
    const key = blake2s(Buffer.concat([Buffer.from("mac1----"), this.#farPublic]));
    blake2s(message.subarray(0, 116), 16, key).copy(message, 116);
    return message;
  }

  /** The second one; throws where it is not from the far end. */
  takeResponse(message: Buffer): void {
    if (message.length !== RESPONSE) throw new Error("no response of WireGuard");
    const ephemeral = Buffer.from(message.subarray(12, 44));
    [this.#chain = CHAIN] = derive(this.#chain, ephemeral, 1);
    this.#mix(ephemeral);
    for (const privateKey of [this.#ephemeral, this.#own]) {
      const shared = diffieHellman({ privateKey, publicKey: publicOf(ephemeral) });
      [this.#chain = CHAIN] = derive(this.#chain, shared, 1);
    }
    const [chain = CHAIN, mixed = CHAIN, key = CHAIN] = derive(this.#chain, Buffer.alloc(32), 3);
    this.#mix(mixed);
    open(key, 0, message.subarray(44, 60), this.#hash);
    const [sends = null, receives = null] = derive(chain, Buffer.alloc(0), 2);
    this.#sends = sends;
    this.#receives = receives;
    this.#farIndex = message.readUInt32LE(4);
    this.#counter = 0;
  }

  /** A message with a packet. */
  seal(plain: Uint8Array): Buffer {
    if (this.#sends === null) throw new Error("no session");
    const counter = this.#counter++;
    const head = Buffer.alloc(HEADER);
    head[0] = 4;
    head.writeUInt32LE(this.#farIndex, 4);
    head.writeBigUInt64LE(BigInt(counter), 8);
    return Buffer.concat([head, seal(this.#sends, counter, plain, Buffer.alloc(0))]);
  }

  /** The packet of a message; throws where it is not from the far end. */
  open(message: Buffer): Buffer {
    if (this.#receives === null) throw new Error("no session");
    const counter = Number(message.readBigUInt64LE(8));
    return open(this.#receives, counter, message.subarray(HEADER), Buffer.alloc(0));
  }

  #mix(data: Buffer): void {
    this.#hash = blake2s(Buffer.concat([this.#hash, data]));
  }

  #sealed(privateKey: KeyObject, plain: Buffer): Buffer {
    const [chain = CHAIN, key = CHAIN] = derive(this.#chain, diffieHellman({ privateKey, publicKey: this.#far }), 2);
    this.#chain = chain;
    const sealed = seal(key, 0, plain, this.#hash);
    this.#mix(sealed);
    return sealed;
  }
}
