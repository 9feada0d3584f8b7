import { setTimeout as sleep } from "node:timers/promises";
import type { TunnelSettings } from "../../config/settings.js";
import type { DatapathOptions, DeviceOptions } from "../../datapath/options.js";
import type { Counters } from "../../datapath/counters.js";
import type { DeviceReport } from "../../datapath/handle.js";
import type { TunnelReport } from "../../datapath/tunnel-report.js";
import { COVER_SOURCES } from "../../defense/decoys/cover.js";
import { HushboxError } from "../../errors/hushbox-error.js";
import { messageOf } from "../../errors/message-of.js";
import type { Log } from "../../log/log.js";
import { masterOf } from "../../nic/bridge.js";
import { findInterface } from "../../nic/interface.js";
import { outerBytes, WIREGUARD, WIREGUARD_MTU } from "../../tunnel/outer-size.js";
import { largest, largestSegment } from "../../tunnel/plan.js";
import * as ethernet from "../../wire/ethernet.js";
import { parsePrefix } from "../../wire/prefix.js";
import { EndpointSearch, locate } from "./endpoint-search.js";
import { checkFile, firstFour, hintsOf } from "./file-check.js";
import { DATAPATH_END, KERNEL_END, PAIR_MAC } from "./names.js";
import {
  allowForwarding,
  macOf,
  makePair,
  raiseTunnel,
  removePair,
  routeBoxes,
  routeMarked,
  routeMtus,
  setAddresses,
} from "./network.js";
import { RuleGuard } from "./rule-guard.js";
import { rulesOf, type RuleOptions } from "./rules.js";
import { standInMac, WgFile, type WgPeer } from "./wg-file.js";
import { WgInterface } from "./wg-interface.js";
import { TunnelTroubles } from "./troubles.js";
import { TunnelWatch } from "./watch.js";

/** What WireGuard adds to a packet, over IPv6. Over IPv4 20 bytes are left, as wg-quick has it. */
const OVERHEAD = outerBytes(WIREGUARD, 6);
/** Below this IPv6 does not work (RFC 8200). */
const SMALLEST = 1280;
/** The gateway in carriers, whatever its address: of the range for what is between a customer and a provider's NAT (RFC 6598). */
const FAR_END = "100.127.255.254";
/** Looks at what costs something, one in so many. */
const SELDOM = 5;
/** The ring sees another size of its interface within this, in milliseconds. */
const SEEN_WITHIN = 600;
/** Decoys and heartbeats come often enough that WireGuard need not keep the session alive by itself, in microseconds. */
const KEEPALIVE = 10e6;

/**
 * WireGuard, the way of the devices' packets into it, and the kill switch. The rules come first and stay when all else is gone; what others
 * break (an interface deleted, wireguard-go ended, routes flushed) is made anew at the next look.
 */
export class Tunnel {
  readonly #log: Log;
  readonly #wg: WgInterface;
  readonly #file: WgFile;
  readonly #watch: TunnelWatch;
  readonly #search: EndpointSearch;
  readonly #troubles: TunnelTroubles;
  readonly #guard: RuleGuard;
  #settings: TunnelSettings;
  #near = "";
  #bridgeMac: string | null = null;
  /** Of packets inside, by the peer's public key. */
  readonly #mtus: Map<string, number>;
  #repairs = 0;
  #looks = 0;
  #looking = false;
  #stopped = false;

  /** Reads the WireGuard file. Throws `config-invalid`, `config-unreadable`. */
  constructor(settings: TunnelSettings, log: Log) {
    this.#settings = settings;
    this.#log = log;
    this.#file = WgFile.read(settings.file);
    this.#mtus = new Map(this.#file.peers.map(({ publicKey }) => [publicKey, this.#largest]));
    this.#wg = new WgInterface(settings.interface, log);
    this.#watch = new TunnelWatch(this.#file.peers, log);
    const set = (publicKey: string, endpoint: string): Promise<void> => this.#wg.setEndpoint(publicKey, endpoint);
    this.#search = new EndpointSearch(this.#file.peers, { locate, set, log });
    this.#troubles = new TunnelTroubles(log);
    this.#guard = new RuleGuard(log);
    checkFile(this.#file, settings);
    for (const hint of hintsOf(this.#file)) log.warn(hint, { file: this.#file.path });
  }

  /** Resolves when packets would flow. The kill switch holds from the first step on. */
  async start(): Promise<void> {
    this.#lookAround();
    await this.#guard.load(rulesOf(this.#rules()));
    await this.#build();
    await this.#wg.make();
    await this.#fill();
    this.#watch.look(await this.#wg.read(), performance.now(), Date.now());
    await this.#fitPath();
    this.#log.info("the tunnel stands", {
      interface: this.#wg.name,
      implementation: this.#wg.kind,
      mtu: this.#mtu,
      peers: this.#file.peers.length,
    });
  }

  /** Other devices, or other local networks: the rules follow before the packets do. */
  async apply(settings: TunnelSettings): Promise<void> {
    this.#settings = settings;
    await this.#route();
    await this.#guard.load(rulesOf(this.#rules()));
  }

  /** Sees how WireGuard is, and repairs. Answers true where the datapath's options have become others: the path takes less, or more. */
  async look(): Promise<boolean> {
    if (this.#looking || this.#stopped) return false;
    this.#looking = true;
    try {
      await this.#repair();
      // Programs are started for the rest; that is not for every second once all is well, nor at a gateway, whose boxes may all be away.
      const calm = this.#settings.role === "gateway" || this.report().state === "up";
      if (this.#looks++ % SELDOM !== 0 && calm) return false;
      await this.#guard.check();
      await this.#route();
      this.#watch.look(await this.#wg.read(), performance.now(), Date.now());
      this.#search.look(this.#watch.reports(performance.now()), performance.now());
      return await this.#fitPath();
    } catch (error) {
      this.#log.warn("the tunnel could not be looked at", {
        reason: messageOf(error),
      });
      return false;
    } finally {
      this.#looking = false;
    }
  }

  /** Sees what is wrong that packets tell of: `devices` as the packets' side reports them. */
  judge(counters: Counters, devices: readonly DeviceReport[]): void {
    const now = performance.now();
    const { role, defenses } = this.#settings;
    const box = role === "box";
    const peers = this.#watch.reports(now);
    const down = peers.filter(({ state }) => state === "unreachable");
    const up = peers.some(({ state }) => state === "up");
    this.#troubles.look(
      {
        // Of a gateway's boxes one may be switched off.
        unreachable: box ? down.map(({ name }) => name) : [],
        contested: this.#watch.contested(now),
        strangers: (box ? [] : devices).filter(({ otherVersion }) => otherVersion > 0).map(({ name }) => name),
        behind: this.#watch.behind,
        paired: box && up && defenses.episode.enabled && defenses.episode.peer === "hushbox",
        slots: counters.read("tunnel_slots"),
        carriers: counters.read("tunnel_carriers"),
        received: sum(peers.map(({ receivedBytes }) => receivedBytes)),
        otherVersion: counters.read("far_decoys_of_other_version"),
        full: counters.read("up.drop_queue-full"),
        spent: counters.read("tunnel_spent") > 0,
      },
      now,
    );
  }

  /** WireGuard and the pair go; the kill switch stays. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#search.stop();
    this.#guard.stop();
    await this.#wg.remove();
    await removePair();
  }

  /** What the packets' side opens. */
  get cards(): { readonly inside: string; readonly outside: string; readonly tunnel: { readonly mac: number } } {
    return {
      inside: DATAPATH_END,
      outside: this.#wg.name,
      tunnel: { mac: Number.parseInt(PAIR_MAC.replaceAll(":", ""), 16) },
    };
  }

  /** What goes through the tunnel, as the datapath sees it: of a box all devices as one, of a gateway each box. Every packet gets one size. */
  datapath({ defenses, budget, cover }: TunnelSettings): DatapathOptions {
    const box = this.#settings.role === "box";
    const devices = this.#file.peers.map((peer): DeviceOptions => {
      const { allowedIps } = peer;
      const mtu = this.#mtuOf(peer);
      const pad = { ...defenses.pad, target: mtu + ethernet.HEADER };
      const episode = { ...defenses.episode, size: Math.min(defenses.episode.size, mtu) };
      return {
        name: box ? "tunnel" : peer.name,
        mac: box ? PAIR_MAC : standInMac(peer.publicKey),
        defenses: { ...defenses, pad, episode },
        budget,
        tunnel: {
          networks: box ? null : allowedIps,
          cover: { ...coverTo(allowedIps, this.#file.path), ...cover },
          role: this.#settings.role,
          ends: box
            ? { source: firstFour(this.#file.addresses), destination: FAR_END }
            : { source: FAR_END, destination: firstFour(allowedIps) },
        },
      };
    });
    return { devices, local: [], delayLocal: true, isolate: false };
  }

  report(): TunnelReport {
    const peers = this.#watch.reports(performance.now());
    const there = findInterface(this.#wg.name)?.up ?? false;
    const states = peers.map(({ state }) => state);
    const state = (["up", "connecting", "unreachable"] as const).find((one) => states.includes(one)) ?? "idle";
    return {
      role: this.#settings.role,
      state: there ? state : "down",
      interface: this.#wg.name,
      implementation: this.#wg.kind,
      mtu: this.#mtu,
      handshakes: sum(peers.map(({ handshakes }) => handshakes)),
      endpointChanges: sum(peers.map(({ endpointChanges }) => endpointChanges)),
      clockJumps: this.#watch.clockJumps,
      problems: this.#troubles.reports(performance.now()),
      repairs: this.#repairs + this.#guard.restored,
      peers,
    };
  }

  /** Where every path takes it. */
  get #largest(): number {
    return this.#file.mtu ?? WIREGUARD_MTU;
  }

  /** Of a box that of its one peer; of a gateway the largest, which is that of WireGuard's interface. */
  get #mtu(): number {
    return this.#settings.role === "box" ? Math.min(...this.#mtus.values()) : this.#largest;
  }

  #mtuOf({ publicKey }: WgPeer): number {
    return this.#mtus.get(publicKey) ?? this.#largest;
  }

  get #six(): boolean {
    return this.#file.addresses.some((address) => address.includes(":"));
  }

  #rules(): RuleOptions {
    const { role, macs, local, dns } = this.#settings;
    return {
      role,
      tunnel: this.#wg.name,
      near: this.#near,
      bridgeMac: this.#bridgeMac,
      macs,
      local,
      addresses: this.#file.addresses.map((address) => address.replace(/\/.*/, "")),
      dns: dns.length > 0 ? dns : this.#file.dns,
      segment: this.#inner(this.#mtu, largestSegment),
    };
  }

  /** What a device's packet may have where the tunnel's have so much: two hushboxes put it into carriers. */
  #inner(mtu: number, of = largest): number {
    const { episode } = this.#settings.defenses;
    return episode.enabled ? of({ ...episode, size: Math.min(episode.size, mtu) }) : mtu;
  }

  /** Where the inside is part of a bridge, packets reach the network layer there. */
  #lookAround(): void {
    const { inside, role } = this.#settings;
    macOf(inside);
    const bridge = role === "box" ? masterOf(inside) : null;
    this.#near = bridge ?? inside;
    this.#bridgeMac = bridge === null ? null : macOf(bridge);
  }

  async #build(): Promise<void> {
    await makePair();
    allowForwarding(this.#near, this.#six);
    await setAddresses(this.#file.addresses);
    await this.#route();
  }

  async #route(): Promise<void> {
    if (this.#settings.role === "box") await routeMarked(this.#inner(this.#mtu), this.#six);
    else
      await routeBoxes(
        this.#file.peers.map((peer) => ({ networks: peer.allowedIps, mtu: this.#inner(this.#mtuOf(peer)) })),
      );
  }

  async #fill(): Promise<void> {
    const { pace, episode } = this.#settings.defenses;
    const gap = episode.enabled ? (episode.always ? 1 : episode.heartbeat) : pace.enabled ? pace.maxGap : 0;
    const covered = gap > 0 && gap < KEEPALIVE;
    await this.#wg.configure(this.#file, !covered);
    await raiseTunnel(this.#wg.name, this.#mtu);
  }

  async #repair(): Promise<void> {
    const pair = findInterface(KERNEL_END);
    const end = findInterface(DATAPATH_END);
    if (pair?.up !== true || end?.up !== true) {
      this.#repairs++;
      this.#log.warn("the pair to the datapath was gone or down; it is made anew", { interface: KERNEL_END });
      await this.#build();
    }
    const tunnel = findInterface(this.#wg.name);
    if (tunnel?.up === true) {
      if (tunnel.mtu !== this.#mtu) await raiseTunnel(this.#wg.name, this.#mtu);
      return;
    }
    this.#repairs++;
    this.#log.warn("WireGuard's interface was gone or down; it is made anew", { interface: this.#wg.name });
    if (tunnel === null) {
      await this.#wg.make();
      this.#watch.restarted();
    }
    await this.#fill();
  }

  /** A path that takes less than it did makes every packet smaller, so that none is sent in pieces. */
  async #fitPath(): Promise<boolean> {
    const reports = this.#watch.reports(performance.now());
    const hosts = this.#file.peers.map((_, i) => hostOf(reports[i]?.endpoint ?? ""));
    const paths = await routeMtus([...new Set(hosts.filter((host) => host !== ""))]);
    const changed = this.#file.peers.flatMap((peer, i) => {
      const path = paths.get(hosts[i] ?? "");
      const had = this.#mtuOf(peer);
      const mtu = path === undefined ? had : this.#fitting(path);
      return path === undefined || mtu === had ? [] : [{ peer, path, mtu, had }];
    });
    const [one] = changed;
    if (one === undefined) return false;
    for (const { peer, path, mtu, had } of changed) {
      const fields = { peer: peer.name, path, mtu, before: had };
      this.#log.warn("the path to a peer of the tunnel takes packets of another size", fields);
    }
    // The packets' side must know first of less, and the interface first of more (the ring looks at it four times a second).
    if (this.#settings.role === "box" && one.mtu > one.had) {
      await raiseTunnel(this.#wg.name, one.mtu);
      await sleep(SEEN_WITHIN);
    }
    for (const { peer, mtu } of changed) this.#mtus.set(peer.publicKey, mtu);
    await this.#route();
    await this.#guard.load(rulesOf(this.#rules()));
    return true;
  }

  /** What fits inside a path; where that is less than usual, in whole blocks of WireGuard's padding, so that it adds none (16 bytes). */
  #fitting(path: number): number {
    const room = path - OVERHEAD;
    return room >= this.#largest ? this.#largest : Math.max(SMALLEST, room - (room % 16));
  }
}

/** Decoys go to an address that our WireGuard sends to the peer. */
function coverTo(allowedIps: readonly string[], path: string): { source: string; destination: string } {
  for (const network of allowedIps) {
    const prefix = parsePrefix(network);
    if (prefix === null) continue;
    const [address = ""] = network.split("/");
    // All addresses: any will do that is nobody's. A network: its first host.
    const destination = prefix.bits === 0 ? (prefix.version === 4 ? "192.0.2.2" : "100::2") : address;
    return { source: COVER_SOURCES[prefix.version], destination };
  }
  throw new HushboxError("config-invalid", `${path} has a [Peer] without AllowedIPs`);
}

function hostOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(":")).replace(/^\[|\]$/g, "");
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
