import { TargetFile } from "./target-file.js";

/** Writes a file that is there whole or not at all, whenever the power goes. Throws `output-unwritable`. */
export function writeWhole(path: string, ...parts: readonly (string | ArrayBufferView)[]): void {
  const target = new TargetFile(path);
  try {
    for (const part of parts) target.write(bytesOf(part));
    target.close();
  } catch (error) {
    target.discard();
    throw error;
  }
}

function bytesOf(part: string | ArrayBufferView): Uint8Array {
  return typeof part === "string" ? Buffer.from(part) : new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
}
