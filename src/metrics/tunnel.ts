import { PEER_STATES, TUNNEL_STATES, type TunnelReport } from "../datapath/tunnel-report.js";
import { Reading, single, type Sample } from "./reading.js";
import type { MetricsSource } from "./source.js";

const NONE = { state: null, peers: [], handshakes: 0, endpointChanges: 0, clockJumps: 0, repairs: 0, mtu: 0 } as const;
type Known = Pick<TunnelReport, Exclude<keyof typeof NONE, "state">> & { readonly state: TunnelReport["state"] | null };

/** The way through WireGuard; without a tunnel all of these are 0. */
export function tunnelMetrics(source: MetricsSource): Reading[] {
  const read = (samples: (tunnel: Known) => readonly Sample[]) => (): readonly Sample[] =>
    samples(source.tunnel() ?? NONE);
  return [
    new Reading(
      {
        name: "hushbox_tunnel_state",
        type: "gauge",
        help: "1 for the state that the tunnel is in, else 0; devices' packets wait in every state but up, and never leave another way.",
        labels: { state: TUNNEL_STATES },
      },
      read(({ state }) => TUNNEL_STATES.map((one) => ({ labels: { state: one }, value: one === state ? 1 : 0 }))),
    ),
    new Reading(
      {
        name: "hushbox_tunnel_peers",
        type: "gauge",
        help: "Peers by state: of a box its far end, of a gateway its boxes.",
        labels: { state: PEER_STATES },
      },
      read(({ peers }) =>
        PEER_STATES.map((one) => ({
          labels: { state: one },
          value: peers.filter(({ state }) => state === one).length,
        })),
      ),
    ),
    new Reading(
      {
        name: "hushbox_tunnel_handshake_age_seconds",
        type: "gauge",
        help: "Time since the last handshake of any peer; a session in use has one every two minutes. 0 before the first.",
      },
      read(({ peers }) => {
        const ages = peers.flatMap(({ handshakeAgeSeconds: age }) => (age === null ? [] : [age]));
        return single(ages.length === 0 ? 0 : Math.min(...ages));
      }),
    ),
    new Reading(
      {
        name: "hushbox_tunnel_handshakes_total",
        type: "counter",
        help: "Handshakes; their packets are the only ones outside that differ in size.",
      },
      read(({ handshakes }) => single(handshakes)),
    ),
    new Reading(
      {
        name: "hushbox_tunnel_endpoint_changes_total",
        type: "counter",
        help: "Times that a peer was at another address than before.",
      },
      read(({ endpointChanges }) => single(endpointChanges)),
    ),
    new Reading(
      {
        name: "hushbox_tunnel_clock_jumps_total",
        type: "counter",
        help: "Times that this machine's clock was set; set back, it makes peers refuse handshakes.",
      },
      read(({ clockJumps }) => single(clockJumps)),
    ),
    new Reading(
      {
        name: "hushbox_tunnel_repairs_total",
        type: "counter",
        help: "Times that an interface of the tunnel was gone or down and was made anew.",
      },
      read(({ repairs }) => single(repairs)),
    ),
    new Reading(
      {
        name: "hushbox_tunnel_packet_bytes",
        type: "gauge",
        help: "The one size of packets inside the tunnel; it follows what the path takes.",
      },
      read(({ mtu }) => single(mtu)),
    ),
    new Reading(
      {
        name: "hushbox_tunnel_far_decoys_total",
        type: "counter",
        help: "Decoys of the far end that ended here, by what it speaks: as this hushbox does, or as another version.",
        labels: { version: ["ours", "other"] },
      },
      read(() => {
        const counters = source.counters();
        if (counters === null) return [];
        return [
          { labels: { version: "ours" }, value: counters.read("far_decoys") },
          { labels: { version: "other" }, value: counters.read("far_decoys_of_other_version") },
        ];
      }),
    ),
  ];
}
