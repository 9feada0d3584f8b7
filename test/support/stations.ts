import { existsSync } from "node:fs";
import type { Laboratory } from "../../src/emulator/laboratory.js";
import { removeNamespace } from "../../src/emulator/leftovers.js";
import { TOPOLOGY } from "../../src/emulator/topology.js";
import { sh } from "./spaces.js";

/** A station behind the box's inside card. */
export interface Station {
  readonly namespace: string;
  readonly name: string;
  readonly mac: string;
  readonly v4: string;
}

/**
 * More stations beside a laboratory's speaker, as behind an access point whose radio relays nothing (ap_isolate=1): macvlans in mode vepa, whose
 * frames all go up the cable, those for each other too, and come back only where somebody there sends them back.
 *
 *     speaker eth0 ─┬─ in0 box
 *     NAME    NAME0 ┘
 */
export class Stations {
  readonly speaker: Station;
  readonly #laboratory: Laboratory;
  readonly #made: string[] = [];

  constructor(laboratory: Laboratory) {
    sweep(laboratory.prefix.replace(/-\d.*/, ""));
    this.#laboratory = laboratory;
    const { interface: name, mac, v4 } = TOPOLOGY.speaker;
    this.speaker = { namespace: laboratory.namespaces.speaker, name, mac, v4 };
  }

  add(called: string, last: number): Station {
    const { speaker, box } = this.#laboratory.namespaces;
    const namespace = `${this.#laboratory.prefix}-sta-${called}`;
    const name = `${called}0`;
    const mac = `02:68:62:00:00:${last.toString().padStart(2, "0")}`;
    const v4 = `192.168.77.${last}`;
    sh(`ip netns add ${namespace}`);
    this.#made.push(namespace);
    sh(`ip -n ${namespace} link set lo up`);
    sh(
      `ip netns exec ${namespace} sh -c 'for i in all default; do echo 1 > /proc/sys/net/ipv6/conf/$i/disable_ipv6; done'`,
    );
    const lower = TOPOLOGY.speaker.interface;
    sh(`ip -n ${speaker} link add link ${lower} name ${name} address ${mac} type macvlan mode vepa`);
    sh(`ip -n ${speaker} link set ${name} netns ${namespace}`);
    sh(`ip -n ${namespace} addr add ${v4}/24 dev ${name} && ip -n ${namespace} link set ${name} up allmulticast on`);
    sh(`ip netns exec ${box} bridge link set dev ${TOPOLOGY.box.inside} hairpin on`);
    return { namespace, name, mac, v4 };
  }

  /** Ends every program in them, which the namespace alone would outlive, and deletes them. Harmless when called again. */
  remove(): void {
    for (const namespace of this.#made.splice(0)) removeNamespace(namespace);
  }
}

/** Removes what runs that were killed left behind. */
function sweep(prefix: string): void {
  for (const [name, pid = ""] of sh("ip netns list").matchAll(new RegExp(`^${prefix}-(\\d+)\\S*-sta-\\S+`, "gm")))
    if (!existsSync(`/proc/${pid}`)) removeNamespace(name);
}
