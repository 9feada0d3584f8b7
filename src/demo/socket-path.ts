import { HushboxError } from "../errors/hushbox-error.js";

/** Bytes of a path in `sun_path` (unix(7)), without the zero at its end. */
const MOST = 107;

/**
 * The path of a unix socket, or an error that says what to do: Node 20 cuts a longer one without a word, and binds or asks what has the
 * shorter name.
 */
export function socketPath(path: string, advice: string): string {
  const bytes = Buffer.byteLength(path);
  if (bytes <= MOST) return path;
  throw new HushboxError("host", `${path} has ${bytes} bytes, and a unix socket's path at most ${MOST}: ${advice}`);
}
