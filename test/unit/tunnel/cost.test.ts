import { test } from "tap";
import { PRESETS } from "../../../src/defense/presets.js";
import type { Micros } from "../../../src/time/micros.js";
import {
  bytesPerMonth,
  decoyBytes,
  decoysPerDay,
  goesOn,
  heartbeatBytes,
  planBytes,
} from "../../../src/tunnel/cost.js";
import { chainBits, guessBound } from "../../../src/tunnel/leak.js";
import { sealedBytes } from "../../../src/tunnel/outer-size.js";

const { paired, tunnel } = PRESETS;
const PAIRED = paired.defenses.episode;

test("WireGuard's packets: 32 bytes of its own, plaintexts padded to 16 but never beyond the MTU", (t) => {
  t.equal(sealedBytes(1420), 1480, "1494-byte frames, as measured behind wireguard-go");
  t.equal(sealedBytes(1420, 6), 1500);
  t.same([sealedBytes(0), sealedBytes(1), sealedBytes(16), sealedBytes(17)], [60, 76, 76, 92]);
  t.equal(sealedBytes(1419), 1480);
  t.end();
});

test("a hundred shortest episodes a day and heartbeats cost 3 GB a month at most, with either preset", (t) => {
  t.ok(bytesPerMonth(PAIRED, 100) <= 3e9);
  t.ok(bytesPerMonth(tunnel.defenses.episode, 100) <= 3e9);
  t.equal(planBytes(PAIRED, 0), 2 * 242 * 1480);
  t.equal(planBytes(PAIRED, 2), 4 * planBytes(PAIRED, 0));
  t.equal(planBytes(tunnel.defenses.episode, 0), 400 * 1480, "the way up alone");
  t.end();
});

test("heartbeats come before WireGuard would send a bare keep-alive, after 10 s", (t) => {
  for (const { defenses } of [paired, tunnel])
    t.ok(defenses.episode.heartbeat > 0 && defenses.episode.heartbeat < 10e6);
  t.end();
});

test("decoys take what heartbeats leave of the month", (t) => {
  const perDay = decoysPerDay(PAIRED, 3e9);
  t.ok(Math.abs(perDay * 30.44 * decoyBytes(PAIRED) + heartbeatBytes(PAIRED) - 3e9) < 1);
  t.ok(perDay > 15);
  t.equal(decoysPerDay(PAIRED, 0.5e9), 0, "not even the heartbeats are paid");
  t.equal(decoysPerDay({ ...PAIRED, decoys: false }, 3e9), 0);
  t.equal(decoysPerDay({ ...PAIRED, always: true }, 3e9), 0);
  t.end();
});

test("the endless episode has its price, heartbeats none that are not sent", (t) => {
  const slots = (2 * 30.44 * 86_400) / 0.0165;
  t.ok(Math.abs(bytesPerMonth({ ...PAIRED, always: true }, 100) - slots * 1480) < 1);
  t.equal(heartbeatBytes({ ...PAIRED, heartbeat: 0 as Micros }), 0);
  t.end();
});

test("longer stretches are ever less likely", (t) => {
  const chances = [0, 1, 2, 3].map((plan) => goesOn(PAIRED, plan));
  t.ok(chances.every((chance) => chance > 0 && chance < 1));
  t.ok((chances[0] ?? 0) > 0.8 && (chances[1] ?? 1) < 0.4);
  t.end();
});

test("what plans can tell: one of as many lengths as there are, or as it is long", (t) => {
  t.same([chainBits(PAIRED, 1), chainBits(PAIRED, 4), chainBits(PAIRED, 8)], [2, 2, 3]);
  t.equal(chainBits({ ...PAIRED, plans: 1 }, 1), 0);
  t.same([guessBound(3, 1), guessBound(3, 2), guessBound(3, 9)], [1 / 3, 2 / 3, 1]);
  t.end();
});
