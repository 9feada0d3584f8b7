import { lookup } from "node:dns/promises";
import { isIP, isIPv6 } from "node:net";
import type { PeerReport } from "../../datapath/tunnel-report.js";
import { messageOf } from "../../errors/message-of.js";
import type { Log } from "../../log/log.js";
import type { WgPeer } from "./wg-file.js";

/** Between two searches for the same peer, in milliseconds: an answer of the last one has come by then. */
const EVERY = 30_000;

/** An Endpoint of the WireGuard file. */
type Given = NonNullable<WgPeer["endpoint"]>;

export interface EndpointSearchModules {
  /** An address with port as WireGuard takes it, or null where the name has none. */
  readonly locate: (endpoint: Given) => Promise<string | null>;
  /** Tells WireGuard where the peer with this key is. */
  readonly set: (publicKey: string, endpoint: string) => Promise<void>;
  readonly log: Log;
}

/**
 * Looks for peers that do not answer, or that WireGuard has no address of: where the file's Endpoint is now, by name where it has one
 * (dynamic DNS: WireGuard itself asks once), else where the peer last answered, by turns. As reresolve-dns of wireguard-tools does, but
 * sooner. One search at a time, beside everything else: a resolver that hangs holds nobody up. No clock of its own.
 */
export class EndpointSearch {
  readonly #peers: readonly WgPeer[];
  readonly #modules: EndpointSearchModules;
  /** By public key: where it answered last, and when it may be looked for again. */
  readonly #answered = new Map<string, string>();
  readonly #nextAt = new Map<string, number>();
  /** Peers whose name had no address at the last search. */
  readonly #nameless = new Set<string>();
  #searching = false;
  #stopped = false;

  constructor(peers: readonly WgPeer[], modules: EndpointSearchModules) {
    this.#peers = peers;
    this.#modules = modules;
  }

  /** One look at reports in the order of the peers. `now`: monotonic, in milliseconds. */
  look(reports: readonly PeerReport[], now: number): void {
    this.#peers.forEach((peer, i) => {
      const { publicKey, endpoint: given } = peer;
      const { state, endpoint = null } = reports[i] ?? {};
      if (state === "up" && endpoint !== null) {
        this.#answered.set(publicKey, endpoint);
        this.#nextAt.delete(publicKey);
      }
      if (given === null || (state !== "unreachable" && endpoint !== null)) return;
      if (this.#searching || this.#stopped || now < (this.#nextAt.get(publicKey) ?? -Infinity)) return;
      this.#nextAt.set(publicKey, now + EVERY);
      void this.#search(peer, given, endpoint);
    });
  }

  /** What is found after that is not used. */
  stop(): void {
    this.#stopped = true;
  }

  /** `at`: where it does not answer. */
  async #search({ name, publicKey }: WgPeer, given: Given, at: string | null): Promise<void> {
    const { locate, set, log } = this.#modules;
    this.#searching = true;
    try {
      const named = await locate(given);
      if (named !== null) this.#nameless.delete(publicKey);
      else if (!this.#nameless.has(publicKey)) {
        this.#nameless.add(publicKey);
        log.warn("the name of the tunnel's peer cannot be resolved; it is tried again", { peer: name });
      }
      const found = [named, this.#answered.get(publicKey)].find((place) => place != null && place !== at);
      if (found == null || this.#stopped) return;
      await set(publicKey, found);
      log.info("the tunnel's peer is looked for at another address", { peer: name, endpoint: found });
    } catch (error) {
      log.warn("the tunnel's peer could not be looked for", { peer: name, reason: messageOf(error) });
    } finally {
      this.#searching = false;
    }
  }
}

/** The first address of an Endpoint, with its port, or null. */
export async function locate({ host, port }: Given): Promise<string | null> {
  const address = isIP(host) !== 0 ? host : await addressOf(host);
  return address === null ? null : `${isIPv6(address) ? `[${address}]` : address}:${port}`;
}

async function addressOf(name: string): Promise<string | null> {
  try {
    return (await lookup(name)).address;
  } catch {
    return null;
  }
}
