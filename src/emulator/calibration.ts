// Figures of the emulated speaker. After each: the section of the calibration notes it comes from, M where it was measured
// on captures, L where a source states it, A where it is assumed. docs/emulator.md says the same in prose.
// Bytes are payload bytes of the transport unless a name says frame. [low, high] is drawn uniformly.

export type Range = readonly [low: number, high: number];

/** Bytes of a full frame and of the TCP payload in it (66 bytes of Ethernet, IPv4 and TCP header with timestamps). */
export const FULL_FRAME = 1514; // 3.1 M
export const TCP_PAYLOAD = 1448; // 3.1 M: 1,514 B frames, 66 B acknowledgements

/** UDP payload of a full QUIC packet: 1,392 B frames. */
export const QUIC_PAYLOAD = 1350; // 3.1 M

/** Application bytes of a voice record whose frame is 1,434 bytes: less 66 of headers and 22 of TLS 1.3. */
export const VOICE_CHUNK = 1346; // 3.1 M (the frame length)

/** Spoken query to one host, over a TCP connection that was open before (no SYN in either complete capture). */
export const MEDIA_VOICE = {
  frameBytesUp: [136_000, 170_000], // 3.1 M
  seconds: [3.3, 5.7], // 3.1 M
  firstSecond: 103_000, // 3.1 M, frame bytes in the first second (pre-roll and batch)
  secondSecond: [31_000, 39_000], // 3.1 M, frame bytes in the second
  frameBytesDown: [31_000, 40_000], // 3.1 M, acknowledgements included
  answerAfter: [0.2, 0.5], // A
} as const;

/** Reports sent after a media query over QUIC. */
export const MEDIA_TELEMETRY = {
  after: [5, 6], // 3.1 M: the phase of 5-11 s
  seconds: [3, 5], // 3.1 A within the phase
  frameBytesUp: [57_000, 73_000], // 3.1 M
  frameBytesDown: [6_000, 13_000], // 3.1 M
} as const;

/** Short QUIC connections that set the stream up: the only TCP connection that a media query opens is the stream's (M, both complete captures). */
export const SET_UP = {
  after: [5, 10], // 3.1 M: the phase
  connections: 2, // M: one or two in the phase
  frameBytesUp: [2_800, 6_200], // M
  frameBytesDown: [2_200, 24_900], // M
} as const;

/** The stream: one connection, one greedy burst, silence, closed. */
export const MEDIA_STREAM = {
  after: [11, 12.5], // 3.1 M
  requestBytes: [700, 1_400], // A
  frameBytesDown: [704_000, 741_000], // 3.1 M, three captures of four
  largeFrameBytesDown: [4_200_000, 4_450_000], // 3.1 M, around the one of 4.37 MB
  largeShare: 2 / 28, // 3.1 M, captures with 5,788 and 6,017 packets of 28
  bitsPerSecond: [7.3e6, 12.4e6], // 3.1 M
  closedAfter: 40, // 3.1 M
} as const;

/**
 * Travel and utility queries of this device are covered by no data. The volumes of the spoken part and of the answer are an
 * Echo's; the rest is chosen so that media : travel : utility is about 8 : 1.3 : 1 in packets per query.
 */
export const ANSWERS = {
  travel: {
    frameBytesUp: [58_000, 68_000], // 4 M on an Echo (63 kB), A here
    seconds: [2.5, 4], // A
    answerBytes: [54_000, 74_000], // 4 M on an Echo (64 kB)
    answerAfter: [0.4, 0.9], // A
    answerSeconds: [0.5, 1.2], // A; a whole Echo trace is 4.0 s
    telemetryUp: [32_000, 42_000], // A
    telemetryDown: [1_500, 3_000], // A
    setUps: 2, // A
  },
  utility: {
    frameBytesUp: [58_000, 68_000], // 4 M on an Echo (63 kB), A here
    seconds: [2.5, 4], // A
    answerBytes: [28_000, 38_000], // 4 M on an Echo (33 kB)
    answerAfter: [0.2, 0.6], // A
    answerSeconds: [0.4, 1], // A; a whole Echo trace is 4.4 s
    telemetryUp: [32_000, 42_000], // A
    telemetryDown: [1_500, 3_000], // A
    setUps: 1, // A
  },
} as const;

/** Packets per query, the goal of the assumed figures above. */
export const PACKET_RATIO = { media: 8, travel: 1.3, utility: 1 } as const; // 5 (the notes' safe choice)

/** Seconds from one query to the next when one kind is asked over and over. */
export const QUERY_PERIOD = 30; // the paper: 30 s of traffic per query

/** A microphone that is on, against one that is off: covered by no data, so all of it is assumed. */
export const MICROPHONE = {
  reportEvery: [3, 6], // A, seconds
  reportUp: [1_800, 5_200], // A
  reportDown: [200, 600], // A
} as const;

/** Background noise: the device wakes in error, sends a little speech and is told to be still. */
export const NOISE = {
  wakeEvery: [3, 7], // A, seconds
  frameBytesUp: [9_000, 32_000], // A
  seconds: [0.4, 1.6], // A
  answerBytes: [900, 2_800], // A
  answerAfter: [0.1, 0.4], // A
} as const;

/** What goes on in any activity: timers and long-lived connections, in seconds. */
export const BACKGROUND = {
  keepAlive: 45, // 3.1 M: 2 x 66 B every 45.1 s for each of 3-4 open connections
  quicPing: [10, 15], // 3.1 M: on one connection
  resolve: [10, 30], // 3.1 M
  beacon: 10, // 3.4 M: to 239.255.255.251:10101
  beaconBytes: 36, // 3.4 M: 78 B frames
  ping: 64, // 3.4 M: two to the gateway, two to the resolver
  pingCount: 2, // 3.4 M
  pingEvery: 1, // 3.4 M
  check: 60, // 3.4 L: connectivity check
  announce: [4, 12, 115], // 3.1 M: multicast DNS bursts near 4, 12 and 115 s
  announceAgain: 120, // A, after the last
  announcePackets: 16, // 3.1 M
  announceFrames: [81, 281], // 3.4 M (81-423 B); the range gives 3.1's 2.9 kB for 16
  report: [45, 75], // A, gives the 11 % of 1,392 B frames of the quiet part (3.1 M)
  reportUp: [9_000, 15_000], // A, gives the 37 kB out of the quiet part (3.1 M)
  reportDown: [1_500, 3_000], // A
  greetingUp: [800, 1_600], // A: first exchange on a long-lived connection
  greetingDown: [1_200, 3_600], // A
} as const;

/** Advertised windows as raw header values. */
export const WINDOWS = {
  speakerSyn: 14_600, // 3.6 M
  speakerScale: 6, // 3.6 M: 64
  speakerFirst: 229, // 3.6 M: 14,656 scaled
  speakerMost: [274, 364, 636, 1_400], // 3.6 M: quartiles, and 95 % (about 90 kB) as the end
  cloudSyn: 28_960, // 3.6 M
  cloudScale: 7, // 3.6 M: 128
  cloudFirst: 235, // 3.6 M
  cloudMost: 280, // 3.6 M
} as const;
