import { existsSync } from "node:fs";
import type { TunnelSettings } from "../../config/settings.js";
import { tool } from "../../emulator/command.js";
import { tunnelTools } from "../../emulator/wireguard.js";
import { checkFile, hintsOf } from "../tunnel/file-check.js";
import { WgFile } from "../tunnel/wg-file.js";
import { guarded, type Finding } from "./finding.js";

/** What a tunnel needs beside the rest. */
export function checkTunnel(settings: TunnelSettings, sys: string): Finding[] {
  const tools = guarded("tunnel", () => {
    for (const name of ["ip", "nft", ...tunnelTools()] as const) tool(name);
    return [];
  });
  const file = guarded("tunnel", () => {
    const read = WgFile.read(settings.file);
    checkFile(read, settings);
    const hints = hintsOf(read).map((message) => ({ status: "warn" as const, what: "tunnel", message }));
    const message = `${settings.file} is valid: ${read.peers.length === 1 ? "one peer" : `${read.peers.length} peers`}`;
    return [...hints, { status: "ok", what: "tunnel", message }];
  });
  const bridged = existsSync(`${sys}/class/net/${settings.inside}/brport`);
  const way: Finding = {
    status: "ok",
    what: "tunnel",
    message: bridged
      ? `${settings.inside} is the port of a bridge: what leaves the local network is taken off it, the rest is bridged`
      : `${settings.inside} is no port of a bridge: devices must have an address of this machine there as their gateway`,
  };
  return [...tools, ...file, ...(settings.role === "box" ? [way] : [])];
}
