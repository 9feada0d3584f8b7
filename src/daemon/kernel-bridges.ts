import { BridgeListener, bridgeFilters, readBridge } from "../nic/bridge.js";
import { GuardTable } from "../nic/guard-table.js";
import type { BridgeModules } from "./bridging.js";

/** The bridges of this machine's kernel, as far as they concern these two cards. */
export function kernelBridges(inside: string, outside: string): BridgeModules {
  const listener = new BridgeListener();
  return {
    read: () => readBridge(inside, outside),
    heard: () => listener.heard(),
    close: () => {
      listener.close();
    },
    filters: () => bridgeFilters(),
    guard: new GuardTable(),
  };
}
