import { emulateCommand, HELP } from "../emulator/emulate.js";
import type { Command } from "./command.js";

/** `hushbox emulate`: the emulated speaker and its cloud, each by itself. */
export const command: Command = {
  summary: "a smart speaker or its cloud on real sockets, or both as a capture",
  usage: HELP,
  run: emulateCommand,
};
