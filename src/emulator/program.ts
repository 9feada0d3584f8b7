// The emulator as a program of its own: `node build/src/emulator/program.js speaker|cloud|pcap …`. What runs inside a
// namespace needs nothing else of hushbox.
import { HushboxError } from "../errors/hushbox-error.js";
import { emulateCommand } from "./emulate.js";

try {
  process.exitCode = await emulateCommand(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof HushboxError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.code === "usage" ? 2 : 1;
}
