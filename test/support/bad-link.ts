import { join } from "node:path";
import { must, tool } from "../../src/emulator/command.js";
import type { Laboratory } from "../../src/emulator/laboratory.js";
import { TOPOLOGY, type Place } from "../../src/emulator/topology.js";
import { Child } from "../bench/child.js";
import type { BadPathOptions } from "./bad-path.js";
import { ROOT } from "./generated.js";
import type { MannerName } from "./hostile-manners.js";

const { isp, router, world } = TOPOLOGY;
/** Ends of the two cables that the bad path joins; both lie in the provider's place. */
const [NEAR, FAR] = ["bad0", "bad1"];
const [ISP_MAC, WORLD_MAC] = ["02:68:62:00:00:21", "02:68:62:00:00:22"];
const PROGRAM = join(ROOT, "build/test/support/bad-path-box.js");

export interface BadLinkOptions {
  readonly seed: string;
  readonly up: BadPathOptions;
  readonly down: BadPathOptions;
  /** How packets on their way up are treated. */
  readonly manner?: MannerName;
}

/** A path without faults. */
export const GOOD: BadPathOptions = { delay: 5_000, loss: 0, reorder: 0 };

/**
 * A bad path between the provider and the world of a laboratory, in place of their cable:
 *
 *     … router(NAT) wan0 ── down0 isp up0 ── bad0 [bad path] bad1 ── net0 world
 *
 * The provider's kernel does not listen on bad0 and bad1. Both sides know each other's addresses: nothing but IP packets pass.
 */
export class BadLink {
  readonly #laboratory: Laboratory;
  #child: Child | undefined;

  private constructor(laboratory: Laboratory) {
    this.#laboratory = laboratory;
  }

  static async lay(laboratory: Laboratory): Promise<BadLink> {
    const link = new BadLink(laboratory);
    const inWorld = laboratory.namespaces.world;
    await link.#ip("isp", [
      `link del ${isp.up}`,
      `link add ${isp.up} address ${ISP_MAC} type veth peer name ${NEAR}`,
      `link add ${FAR} type veth peer name ${world.net} address ${WORLD_MAC} netns ${inWorld}`,
      `link set ${NEAR} arp off`,
      `link set ${FAR} arp off`,
    ]);
    for (const name of [NEAR, FAR])
      await link.sh("isp", `echo 1 > /proc/sys/net/ipv6/conf/${name}/disable_ipv6; ip link set ${name} up`);
    await link.#ip("isp", [
      `link set ${isp.up} up`,
      `addr add ${isp.world4}/30 dev ${isp.up}`,
      `addr add ${isp.world6}/64 dev ${isp.up} nodad`,
      `neigh replace ${world.v4} lladdr ${WORLD_MAC} dev ${isp.up} nud permanent`,
      `neigh replace ${world.v6} lladdr ${WORLD_MAC} dev ${isp.up} nud permanent`,
    ]);
    await link.#ip("world", [
      `link set ${world.net} up`,
      `addr add ${world.v4}/30 dev ${world.net}`,
      `addr add ${world.v6}/64 dev ${world.net} nodad`,
      `neigh replace ${isp.world4} lladdr ${ISP_MAC} dev ${world.net} nud permanent`,
      `neigh replace ${isp.world6} lladdr ${ISP_MAC} dev ${world.net} nud permanent`,
    ]);
    for (const [place, name] of [
      ["isp", isp.up],
      ["isp", NEAR],
      ["isp", FAR],
      ["world", world.net],
    ] as const)
      await link.sh(place, `ethtool -K ${name} rx off tx off sg off tso off gso off gro off`);
    await link.narrow(null);
    return link;
  }

  /**
   * What routes say. `mtu`: the provider's packets to the world are at most so long, and the world knows it; its announced segment size
   * tells nothing of it. `congestion`: the control that both ends use (a route's, since a namespace may not choose any as its default).
   */
  async narrow(mtu: number | null, congestion?: string): Promise<void> {
    const limit = mtu === null ? "" : `mtu ${mtu}`;
    const [announced4, announced6] = mtu === null ? ["", ""] : ["advmss 1460", "advmss 1440"];
    const control = congestion === undefined ? "" : `congctl ${congestion}`;
    const via = (v4: string, four: string, v6: string, six: string): string =>
      `ip route replace default via ${v4} ${four}; ip -6 route replace default via ${v6} ${six}`;
    const far = `initrwnd 20 ${limit} ${control}`;
    const near = `initrwnd 10 window 4000000 ${control}`;
    await this.sh("isp", via(world.v4, limit, world.v6, limit));
    await this.sh("world", via(isp.world4, `${far} ${announced4}`, isp.world6, `${far} ${announced6}`));
    await this.sh("speaker", via(router.v4, near, router.v6, near));
  }

  /** Lets packets pass, as badly as said; what was on its way before is lost. */
  async start({ seed, up, down, manner = "none" }: BadLinkOptions): Promise<void> {
    await this.stop();
    const argv = [PROGRAM, NEAR, FAR, ISP_MAC, seed, JSON.stringify(up), JSON.stringify(down), manner];
    this.#child = new Child(this.#laboratory.namespaces.isp, process.execPath, argv);
    await this.#child.printed(/^ready/m);
  }

  async stop(): Promise<void> {
    await this.#child?.stop();
    this.#child = undefined;
  }

  /** Runs a line of shell in a place. */
  async sh(place: Place, line: string): Promise<string> {
    const { code, stdout, stderr } = await this.#laboratory.run(place, ["/bin/sh", "-ec", line]);
    if (code !== 0) throw new Error(`${place}: ${line}: ${stderr.trim()}`);
    return stdout;
  }

  async #ip(place: Place, lines: readonly string[]): Promise<void> {
    const args = ["-n", this.#laboratory.namespaces[place], "-batch", "-"];
    await must(`laying the bad link of ${place}`, tool("ip"), args, lines.join("\n"));
  }
}
