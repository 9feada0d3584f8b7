import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { HushboxError } from "../../errors/hushbox-error.js";
import { messageOf } from "../../errors/message-of.js";
import { parsePrefix } from "../../wire/prefix.js";

/** A `[Peer]` as far as anybody but WireGuard needs it. */
export interface WgPeer {
  /** What it is called in answers and metrics: the comment behind `[Peer]`, or its first address. */
  readonly name: string;
  /** Base64, as `wg show` names it; not secret, and yet not for the log. */
  readonly publicKey: string;
  /** CIDR prefixes. */
  readonly allowedIps: readonly string[];
  /** Host (a name, or an address without brackets) and port; null for a peer that calls us. */
  readonly endpoint: { readonly host: string; readonly port: number } | null;
}

/** What wg-quick has beside WireGuard's own keys, of which `wg setconf` knows nothing (wg-quick(8)). */
const QUICK_KEYS = ["address", "dns", "mtu", "table", "preup", "postup", "predown", "postdown", "saveconfig"];
const INTERFACE_KEYS = ["privatekey", "listenport", "fwmark", ...QUICK_KEYS];
const PEER_KEYS = ["publickey", "presharedkey", "allowedips", "endpoint", "persistentkeepalive"];
/** 32 bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;
const NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/;

interface Line {
  readonly number: number;
  readonly key: string;
  readonly value: string;
}

interface Section {
  readonly kind: "interface" | "peer";
  readonly number: number;
  readonly name: string;
  readonly lines: Line[];
}

/**
 * A standard wg-quick file. Secrets are in `stripped` alone, which goes to `wg` through a pipe; no message and no field else holds one.
 * Commands in it (PostUp and the like) are not run.
 */
export class WgFile {
  readonly path: string;
  /** CIDR prefixes. */
  readonly addresses: readonly string[];
  /** DNS servers; search domains are left out. */
  readonly dns: readonly string[];
  readonly mtu: number | null;
  readonly listenPort: number | null;
  readonly peers: readonly WgPeer[];
  /** Keys that hold commands or settings that are not carried out, for a hint. */
  readonly ignored: readonly string[];
  readonly #sections: readonly Section[];

  private constructor(path: string, sections: readonly Section[]) {
    const own = sections.filter(({ kind }) => kind === "interface");
    const [first, second] = own;
    if (first === undefined) throw wrong(path, null, "has no [Interface]: it holds the private key and the addresses");
    if (second !== undefined) throw wrong(path, second.number, "a second [Interface]; a file has one");
    this.path = path;
    this.#sections = sections;
    required(path, first, "PrivateKey");
    for (const { key, value, number } of first.lines) checkInterface(path, number, key, value);
    this.addresses = list(first, "address");
    this.dns = list(first, "dns").filter((word) => isIP(word) !== 0);
    this.mtu = number(first, "mtu");
    this.listenPort = number(first, "listenport");
    const peers = sections.filter(({ kind }) => kind === "peer");
    if (peers.length === 0) throw wrong(path, null, "has no [Peer]: there is nobody at the other end");
    this.peers = peers.map((peer) => readPeer(path, peer));
    const known = new Map<string, number>();
    this.peers.forEach(({ publicKey }, i) => {
      const at = peers[i]?.number ?? 0;
      const before = known.get(publicKey);
      if (before !== undefined) {
        throw wrong(
          path,
          at,
          `this [Peer] has the PublicKey of the one in line ${before}: two boxes with one key take each other's packets; make each its own (wg genkey)`,
        );
      }
      known.set(publicKey, at);
    });
    this.ignored = first.lines
      .map(({ key }) => key)
      .filter((key) => /^(pre|post)(up|down)$|^(table|saveconfig)$/i.test(key));
  }

  /** Throws `config-invalid` with file and line, `config-unreadable`. */
  static read(path: string): WgFile {
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (cause) {
      const why = messageOf(cause);
      throw new HushboxError("config-unreadable", `reading the WireGuard file ${path}: ${why}`, cause);
    }
    return WgFile.parse(path, text);
  }

  static parse(path: string, text: string): WgFile {
    const sections: Section[] = [];
    text.split(/\r?\n/).forEach((raw, i) => {
      const at = i + 1;
      const line = raw.replace(/#.*/, "").trim();
      const comment = /#\s*(.*)$/.exec(raw)?.[1]?.trim() ?? "";
      const kind = /^\[(interface|peer)\]$/i.exec(line)?.[1]?.toLowerCase();
      if (kind === "interface" || kind === "peer") {
        sections.push({ kind, number: at, name: comment, lines: [] });
        return;
      }
      if (line === "") return;
      const section = sections.at(-1);
      const [, key, value] = /^([A-Za-z]+)\s*=\s*(.*)$/.exec(line) ?? [];
      // Never the line itself: it may hold a key.
      if (key === undefined || value === undefined)
        throw wrong(path, at, "expected [Interface], [Peer] or Key = value");
      if (section === undefined) throw wrong(path, at, `${key} stands before [Interface]`);
      const keys = section.kind === "interface" ? INTERFACE_KEYS : PEER_KEYS;
      if (!keys.includes(key.toLowerCase()))
        throw wrong(path, at, `WireGuard knows no ${key} in [${section.kind === "interface" ? "Interface" : "Peer"}]`);
      section.lines.push({ number: at, key, value });
    });
    return new WgFile(path, sections);
  }

  /**
   * What `wg setconf` takes, secrets too: for a pipe, never for a file, an argument or a log. `endpoints` by public key, as addresses with
   * port; a peer that is not there has none. `keepalive`: as the file has it; without, hushbox itself leaves no gap long enough for one.
   */
  stripped(endpoints: ReadonlyMap<string, string>, keepalive: boolean): string {
    const lines: string[] = [];
    for (const section of this.#sections) {
      lines.push(section.kind === "interface" ? "[Interface]" : "[Peer]");
      for (const { key, value } of section.lines) {
        const lower = key.toLowerCase();
        if (QUICK_KEYS.includes(lower) || lower === "endpoint" || (lower === "persistentkeepalive" && !keepalive))
          continue;
        lines.push(`${key} = ${value}`);
      }
      const endpoint = endpoints.get(section.lines.find(({ key }) => /^publickey$/i.test(key))?.value ?? "");
      if (section.kind === "peer" && endpoint !== undefined) lines.push(`Endpoint = ${endpoint}`);
    }
    return `${lines.join("\n")}\n`;
  }
}

/** A MAC address that stands for a peer where devices have one; the same for the same key. */
export function standInMac(publicKey: string): string {
  const hash = createHash("sha256").update(publicKey).digest();
  // Locally administered, not a group address.
  return ["02", ...Array.from(hash.subarray(0, 5), (byte) => byte.toString(16).padStart(2, "0"))].join(":");
}

function readPeer(path: string, section: Section): WgPeer {
  const publicKey = required(path, section, "PublicKey");
  for (const { key, value, number } of section.lines) checkPeer(path, number, key, value);
  const allowedIps = list(section, "allowedips");
  const said = section.name.toLowerCase();
  const first = (allowedIps[0] ?? "peer").replace(/\/.*/, "").replace(/[^a-zA-Z0-9]+/g, "-");
  return {
    name: NAME.test(said) && said.length <= 32 ? said : first.replace(/^-|-$/g, "").toLowerCase(),
    publicKey,
    allowedIps,
    endpoint: endpointOf(values(section, "endpoint")[0]),
  };
}

function checkInterface(path: string, at: number, key: string, value: string): void {
  switch (key.toLowerCase()) {
    case "privatekey":
      checkKey(path, at, key, value);
      break;
    case "address":
      checkNetworks(path, at, key, value);
      break;
    case "mtu":
      if (!/^[0-9]+$/.test(value) || Number(value) < 576 || Number(value) > 1500)
        throw wrong(path, at, `MTU: expected 576 to 1500, got "${value}"`);
      break;
    case "listenport":
      if (!/^[0-9]+$/.test(value) || Number(value) > 65535) throw wrong(path, at, `ListenPort: "${value}" is no port`);
  }
}

function checkPeer(path: string, at: number, key: string, value: string): void {
  switch (key.toLowerCase()) {
    case "publickey":
    case "presharedkey":
      checkKey(path, at, key, value);
      break;
    case "allowedips":
      checkNetworks(path, at, key, value);
      break;
    case "endpoint":
      if (endpointOf(value) === null)
        throw wrong(
          path,
          at,
          `Endpoint: expected a name or address with a port, such as 192.0.2.1:51820 or [2001:db8::1]:51820`,
        );
  }
}

function checkKey(path: string, at: number, key: string, value: string): void {
  if (!KEY.test(value))
    throw wrong(
      path,
      at,
      `${key} is not a key: expected 32 bytes in base64, 44 characters, as wg genkey and wg pubkey print them`,
    );
}

function checkNetworks(path: string, at: number, key: string, value: string): void {
  for (const word of words(value))
    if (parsePrefix(word) === null)
      throw wrong(path, at, `${key}: "${word}" is no address such as 10.9.0.2/32 or fd00::2/128`);
}

function endpointOf(text: string | undefined): WgPeer["endpoint"] {
  const [, six, other, port] = /^(?:\[([0-9A-Fa-f:.%a-z]+)\]|([^\s:]+)):([0-9]{1,5})$/.exec(text ?? "") ?? [];
  const host = six ?? other;
  return host === undefined || Number(port) > 65535 ? null : { host, port: Number(port) };
}

function required(path: string, section: Section, key: string): string {
  const [value] = values(section, key.toLowerCase());
  if (value === undefined)
    throw wrong(path, section.number, `[${section.kind === "peer" ? "Peer" : "Interface"}] has no ${key}`);
  return value;
}

function values(section: Section, key: string): string[] {
  return section.lines.filter((line) => line.key.toLowerCase() === key).map(({ value }) => value);
}

function words(value: string): string[] {
  return value.split(/[\s,]+/).filter(Boolean);
}

function list(section: Section, key: string): string[] {
  return values(section, key).flatMap(words);
}

function number(section: Section, key: string): number | null {
  const [value] = values(section, key);
  return value === undefined ? null : Number(value);
}

function wrong(path: string, at: number | null, what: string): HushboxError {
  return new HushboxError("config-invalid", `${path}${at === null ? "" : `:${at}`} ${what}`);
}
