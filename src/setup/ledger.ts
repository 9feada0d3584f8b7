import { sameContent, type PathState } from "./path-state.js";
import type { Mode } from "./wish.js";

/** One path that setup changed: what it was, and what setup made of it. Paths are those of the machine, without --root. */
export interface Entry {
  readonly path: string;
  readonly before: PathState;
  readonly after: PathState;
}

/** What setup changed besides files, as much as undoing it needs. */
export interface About {
  readonly mode: Mode;
  readonly inside: string;
  readonly uplink: string;
  /** Of the units that setup starts or stops, those that ran before. */
  readonly ran: readonly string[];
  /** Settings of the kernel as they were, as sysctl names them. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** ifupdown had brought the uplink up. */
  readonly ifupdown: boolean;
  /** Radio switches that were off (rfkill), by their name. */
  readonly blocked: readonly string[];
}

/** What setup has done, on the disk before it is done. */
export interface Ledger {
  readonly version: 1;
  /** open: being done, so that whoever finds it takes it back; done: in force. */
  phase: "open" | "done";
  entries: Entry[];
  /** Links below /etc/systemd/system before systemctl was asked to change some; null when it is not at work. */
  links: Record<string, string | null> | null;
  about: About;
}

/** Notes that a path has become something else; what it was at first stays. */
export function note(entries: Entry[], entry: Entry): void {
  const at = entries.findIndex(({ path }) => path === entry.path);
  const known = entries[at];
  if (known === undefined) entries.push(entry);
  else entries[at] = { ...known, after: entry.after };
}

/** Two ledgers, one after the other, as one: what is again as it was at first needs no undoing. */
export function merged(first: readonly Entry[], second: readonly Entry[]): Entry[] {
  const all = [...first];
  for (const entry of second) note(all, entry);
  return all.filter(({ before, after }) => !sameContent(before, after));
}
