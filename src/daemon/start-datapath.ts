import type { SavedState, DatapathHandle } from "../datapath/handle.js";
import type { CardOptions, DatapathOptions } from "../datapath/options.js";
import type { Log } from "../log/log.js";
import type { Bridge } from "../nic/bridge.js";
import { claim } from "./claim.js";
import { ProcessHandle } from "./process-handle.js";
import { ThreadHandle } from "./thread-handle.js";

/**
 * Opens the cards and starts the loop, in a thread for the ring, in a process for libpcap. Resolves when packets flow. Throws HushboxError:
 * already-running, interface-missing, permission, native-missing, library-missing, take-over, host.
 */
export async function startDatapath(
  cards: CardOptions,
  options: DatapathOptions,
  saved: SavedState | null,
  bridge: Bridge | null,
  log: Log,
): Promise<DatapathHandle> {
  await claim([cards.inside, cards.outside]);
  const handle =
    cards.card === "libpcap"
      ? new ProcessHandle(cards, options, saved, bridge, log)
      : new ThreadHandle(cards, options, saved, bridge);
  await handle.start();
  log.info("the datapath runs", { card: cards.card, inside: cards.inside, outside: cards.outside });
  return handle;
}
