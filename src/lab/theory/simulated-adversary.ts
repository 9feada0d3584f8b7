import { FEATURES, type FeatureName } from "../../features/features.js";
import type { Matrix } from "../../features/matrix.js";
import { HushboxError } from "../../errors/hushbox-error.js";
import type { Random } from "../../random/random.js";
import { mapSeries } from "./series.js";
import { whiteNoise } from "./white-noise.js";

/** Features that decoys and jitter can touch: they get noise. */
const NOISY: readonly FeatureName[] = ["n_port_unique", "n_pack_tcp", "n_pack_udp", "n_pack_icmp", "std_ipt"];

/**
 * The paper's realistic adversary as it was simulated, on a table of the twelve features: constant padding sets `mean_len_pack` to the
 * series' maximum and `std_len_pack` to 0; noise ν falls on `std_ipt` (jitter), `n_pack_tcp`, `n_pack_udp`, `n_pack_icmp` (decoys) and
 * `n_port_unique` (decoys to random ports). `n_ip_unique`, `max_diff_time`, `mean_window`, `std_window` and `mean_ipt` stay as they are.
 *
 * It is kinder to itself than packets are: the noise takes packets away as often as it adds some, counts of a window of N packets
 * do not add up to N any more, and delays change no `max_diff_time`. Throws a usage error for a table of other columns.
 */
export function simulatedAdversary(
  samples: Matrix,
  series: readonly Uint32Array[],
  nu: number,
  random: Random,
): Matrix {
  if (samples.columns !== FEATURES.length)
    throw new HushboxError(
      "usage",
      `simulating the adversary: a table of ${samples.columns} columns, where the features are ${FEATURES.length}`,
    );
  const column = (name: FeatureName): number => FEATURES.indexOf(name);
  const longest = mapSeries(samples, series, [column("mean_len_pack")], (lengths) =>
    lengths.fill(lengths.reduce((a, b) => Math.max(a, b), -Infinity)),
  );
  const padded = mapSeries(longest, series, [column("std_len_pack")], (deviations) => deviations.fill(0));
  return mapSeries(padded, series, NOISY.map(column), (values) => whiteNoise(values, nu, random));
}
