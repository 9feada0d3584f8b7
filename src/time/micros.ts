/**
 * A moment or a span in microseconds. Inside the datapath moments are CLOCK_MONOTONIC (live) or capture time (a file);
 * a double keeps a quarter of a microsecond even on epoch time, and far more on the monotonic clock.
 */
export type Micros = number & { readonly __unit: "µs" };

/** No deadline: later than every moment. */
export const NEVER = Number.POSITIVE_INFINITY as Micros;

/** A number of microseconds as `Micros`. */
export function micros(value: number): Micros {
  return value as Micros;
}

/** A number of milliseconds as `Micros`. */
export function millis(value: number): Micros {
  return (value * 1e3) as Micros;
}

/** A number of seconds as `Micros`. */
export function seconds(value: number): Micros {
  return (value * 1e6) as Micros;
}

/** `at` moved later by `span`. */
export function after(at: Micros, span: Micros): Micros {
  return (at + span) as Micros;
}

/** The later of two moments. */
export function later(a: Micros, b: Micros): Micros {
  return a > b ? a : b;
}

/** The earlier of two moments. */
export function earlier(a: Micros, b: Micros): Micros {
  return a < b ? a : b;
}
