import { test } from "tap";
import fc from "fast-check";
import { Pool } from "../../../src/packet/pool.js";
import { DepartureQueue } from "../../../src/schedule/departure-queue.js";
import { micros, NEVER } from "../../../src/time/micros.js";

test("answers NEVER and null while empty", async (t) => {
  const queue = new DepartureQueue(4, new Pool(4));
  t.equal(queue.nextAt(), NEVER);
  t.equal(queue.popDue(NEVER), null);
});

test("gives nothing early, and gives it when due", async (t) => {
  const pool = new Pool(4);
  const queue = new DepartureQueue(4, pool);
  const packet = pool.take();
  if (packet === null) throw new Error("no packet");
  packet.departAt = micros(10);
  t.ok(queue.push(packet));
  t.equal(queue.nextAt(), 10);
  t.equal(queue.popDue(micros(9.999)), null);
  t.equal(queue.popDue(micros(10)), packet);
  t.equal(queue.size, 0);
});

test("full is refused, and the packet stays the caller's", async (t) => {
  const pool = new Pool(4);
  const queue = new DepartureQueue(2, pool);
  const packets = [pool.take(), pool.take(), pool.take()];
  const pushed = packets.map((packet) => packet !== null && queue.push(packet));
  t.same(pushed, [true, true, false]);
});

test("equals a sorted array, first in first out among equals", async (t) => {
  const operation = fc.oneof({ weight: 3, arbitrary: fc.nat(20) }, { weight: 2, arbitrary: fc.constant(-1) });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 300 }), (operations) => {
      const pool = new Pool(300);
      const queue = new DepartureQueue(300, pool);
      const twin: { at: number; order: number; slot: number }[] = [];
      let order = 0;
      for (const at of operations) {
        if (at >= 0) {
          const packet = pool.take();
          if (packet === null) return false;
          packet.departAt = micros(at);
          queue.push(packet);
          twin.push({ at, order: order++, slot: packet.slot });
          twin.sort((a, b) => a.at - b.at || a.order - b.order);
        } else {
          const popped = queue.popDue(NEVER);
          const expected = twin.shift();
          if (popped?.slot !== expected?.slot) return false;
          if (popped !== null) pool.release(popped);
        }
        if (queue.nextAt() !== (twin[0]?.at ?? NEVER)) return false;
      }
      return queue.size === twin.length;
    }),
  );
  t.pass("seed and counterexample are printed on failure");
});
