import type { Counters } from "../datapath/counters.js";
import { slotLateness } from "../datapath/slot-lateness.js";
import { PEER_STATES, TUNNEL_PROBLEMS, TUNNEL_STATES, type TunnelReport } from "../datapath/tunnel-report.js";
import { Reading, single, type MetricNote, type Sample } from "./reading.js";
import type { MetricsSource } from "./source.js";

const NONE = {
  state: null,
  peers: [],
  problems: [],
  handshakes: 0,
  endpointChanges: 0,
  clockJumps: 0,
  repairs: 0,
  mtu: 0,
} as const;
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
        name: "hushbox_tunnel_problem",
        type: "gauge",
        help: "1 for each thing that is wrong with the tunnel now, else 0: no answer, none of a hushbox, another version, one key for two, a clock that was set back, no budget for decoys, a full queue.",
        labels: { problem: TUNNEL_PROBLEMS },
      },
      read(({ problems }) =>
        TUNNEL_PROBLEMS.map((one) => ({
          labels: { problem: one },
          value: problems.some(({ problem }) => problem === one) ? 1 : 0,
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
    ...slotMetrics(source),
  ];
}

/** Why an episode began, as a counter of the datapath names it. */
const EPISODES = { demand: "demands", decoy: "decoys", follower: "followers", answered: "answered" } as const;

/** The schedule of slots. */
function slotMetrics(source: MetricsSource): Reading[] {
  const of = (note: MetricNote, samples: (counters: Counters) => readonly Sample[]): Reading =>
    new Reading(note, () => {
      const counters = source.counters();
      return counters === null ? [] : samples(counters);
    });
  const one = (name: string, type: "counter" | "gauge", help: string, counter: string): Reading =>
    of({ name: `hushbox_tunnel_${name}`, type, help }, (counters) => single(counters.read(`tunnel_${counter}`)));
  return [
    of(
      {
        name: "hushbox_tunnel_slots_total",
        type: "counter",
        help: "Slots that left, heartbeats among them, by what was in them: packets of devices, or nothing, which nobody outside can tell.",
        labels: { kind: ["real", "empty"] },
      },
      (counters) => {
        const empty = counters.read("tunnel_empty");
        return [
          { labels: { kind: "real" }, value: counters.read("tunnel_slots") - empty },
          { labels: { kind: "empty" }, value: empty },
        ];
      },
    ),
    one(
      "slots_missed_total",
      "counter",
      "Slots that were left out: more than a second overdue after a pause of the machine, or without memory for them.",
      "missed",
    ),
    one("heartbeats_total", "counter", "Slots of idle time.", "heartbeats"),
    one("carriers_total", "counter", "Carriers of the other end that came.", "carriers"),
    one(
      "carriers_lost_total",
      "counter",
      "Carriers of the other end that did not come, as their numbers tell; one that is overtaken counts until it comes.",
      "lost",
    ),
    of(
      {
        name: "hushbox_tunnel_episodes_total",
        type: "counter",
        help: "Episodes by what began them: a demand, the decoys' draw, the one before whose demand was not over, or, at a gateway, the box.",
        labels: { cause: Object.keys(EPISODES) },
      },
      (counters) =>
        Object.entries(EPISODES).map(([cause, counter]) => ({
          labels: { cause },
          value: counters.read(`tunnel_${counter}`),
        })),
    ),
    one(
      "decoy_episodes_refused_total",
      "counter",
      "Decoy episodes that the month's budget did not pay for.",
      "refused",
    ),
    one("episodes_running", "gauge", "Ends whose episode runs now: of a gateway up to one a box.", "busy"),
    one(
      "level",
      "gauge",
      "The level of rate, of a gateway's boxes the lowest: 0 is full rate, each more is half, for a line that loses packets.",
      "level",
    ),
    one("waiting_packets", "gauge", "Packets that wait for slots now.", "waiting_packets"),
    one("waiting_bytes", "gauge", "Bytes of packets that wait for slots now.", "waiting_bytes"),
    of(
      {
        name: "hushbox_tunnel_lateness_load_ratio",
        type: "gauge",
        help: "Correlation of each slot's lateness with the bytes that waited before it, since the start, -1 to 1: above 0 the load would show in when slots leave. 0 where either never differed.",
      },
      (counters) => single(slotLateness(counters).correlation ?? 0),
    ),
  ];
}
