/** The first quarter of the steps climbs. */
const CLIMB = 0.25;
/** The rates at the start and at the end, against the highest. */
const START = 1 / 25;
const END = 1e-5;

/** The learning rate of a step by the one-cycle policy (Smith 2018), on half cosines as fast.ai does it: up for a quarter, then down to almost nothing. `done`: 0 to 1. */
export function oneCycle(highest: number, done: number): number {
  const up = done < CLIMB;
  const way = up ? done / CLIMB : (done - CLIMB) / (1 - CLIMB);
  const [from, to] = up ? [START, 1] : [1, END];
  return highest * (to + ((from - to) * (1 + Math.cos(Math.PI * way))) / 2);
}
