import { ENDPOINTS } from "../../../src/emulator/endpoints.js";

/** Where these transfers' own servers are. */
export const HOME = ENDPOINTS.home;
/** The ports of these transfers' own servers. */
export const PORTS = { https: 8443, echo: 8444, first: 8445, bytes: 8446, datagrams: 8447 } as const;
/** What the server-first server says at once. */
export const BANNER_BYTES = 20_000;

/** The transfers, in the order of the report; `small` ones run side by side. */
export const TRANSFERS = ["records", "first", "bytes", "datagrams", "down", "up"] as const;
export type TransferName = (typeof TRANSFERS)[number];

/** What one transfer came to. `wrong`: bytes differ. `failed`: it never ended. Milliseconds. */
export interface Outcome {
  readonly name: TransferName;
  readonly result: "right" | "wrong" | "failed";
  /** What went wrong, in words. */
  readonly why: string;
  readonly ms: number;
  /** The longest time without progress, once connected. */
  readonly gap: number;
}

/** What the client is asked for, in one line of JSON; it answers with the outcomes in one. */
export interface Errand {
  readonly address: string;
  readonly seed: string;
  /** Which transfers, all where absent. */
  readonly only?: readonly TransferName[];
  readonly megabytesDown: number;
  readonly megabytesUp: number;
  readonly records: number;
  readonly largestDatagram: number;
}
