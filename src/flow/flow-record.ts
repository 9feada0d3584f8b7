/** A flow as plain data, for people. Bytes are frame bytes without padding. */
export interface FlowRecord {
  /** Index of the device in the configuration. */
  readonly device: number;
  readonly version: 4 | 6;
  /** IP protocol number; -1 for packets without a transport header, such as later fragments. */
  readonly protocol: number;
  readonly deviceAddress: string;
  readonly devicePort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly packetsUp: number;
  readonly packetsDown: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly ageSeconds: number;
  readonly idleSeconds: number;
}
