/**
 * The twelve features of a window of traffic, under the names and in the order of the letter that hushbox answers.
 * Addresses and ports count once each, whether as source or destination, TCP and UDP ports together. Times are seconds,
 * lengths bytes of frame. ICMPv6 counts as ICMP. Windows are those of TCP packets only. Deviations are population
 * deviations (division by n). Inter-packet times are those between neighbours inside the window, so a window of n packets has
 * n - 1. What a window has none of is 0.
 */
export const FEATURES = [
  "n_ip_unique",
  "n_port_unique",
  "n_pack_tcp",
  "n_pack_udp",
  "n_pack_icmp",
  "max_diff_time",
  "mean_window",
  "std_window",
  "mean_ipt",
  "std_ipt",
  "mean_len_pack",
  "std_len_pack",
] as const;
export type FeatureName = (typeof FEATURES)[number];

/** A window's vector with its names. */
export type Features = Readonly<Record<FeatureName, number>>;
