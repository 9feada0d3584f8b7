import { test } from "tap";
import type { MechanismModules } from "../../../../src/defense/pad/mechanism.js";
import { millis, seconds, type Micros } from "../../../../src/time/micros.js";
import { UDP } from "../../../../src/wire/protocol.js";
import { mechanismModules } from "../../../support/mechanisms.js";

const DAY = 86_400;

/** The place of an IPv4 host. */
function place({ destinations }: MechanismModules, host = 1): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, 0xc6336400 + host);
  return destinations.at4(view, 0);
}

/** One destination, to which a device sends datagrams: grown where the mechanism is allowed. */
class Talk {
  readonly modules = mechanismModules();
  readonly to = place(this.modules);
  readonly trust = this.modules.trust;

  /** Sends a datagram; true where it left grown. */
  send(at: Micros, protocol = UDP): boolean {
    const grown = this.trust.allows(this.to, "udpSurplus", at);
    if (grown) this.trust.grew(this.to, "udpSurplus", protocol, at);
    else this.trust.plain(this.to, protocol, at);
    return grown;
  }

  hear(at: Micros, protocol = UDP): void {
    this.trust.heard(this.to, protocol, at);
  }

  get givenUp(): number {
    return this.modules.tally.read("given_up_udpSurplus");
  }
}

test("trust: nothing speaks against a mechanism at first, and no place means no", async (t) => {
  const { trust } = mechanismModules();
  t.equal(trust.allows(0, "udpSurplus", seconds(1)), true);
  t.equal(trust.allows(-1, "udpSurplus", seconds(1)), false);
});

test("trust: plain datagrams answered where a grown one was not: off for a day", async (t) => {
  const talk = new Talk();
  t.equal(talk.send(seconds(10)), true, "the first is the probe");
  t.equal(talk.send(millis(10_900)), true, "within the patience of a first use nothing is held against it");
  t.equal(talk.send(millis(11_100)), false, "then one leaves plain");
  talk.hear(millis(11_130));
  t.equal(talk.givenUp, 1);
  t.equal(talk.send(seconds(12)), false);
  t.equal(talk.send(seconds(11 + DAY)), false);
  t.equal(talk.send(seconds(12 + DAY)), true, "a day later it is tried again");
});
