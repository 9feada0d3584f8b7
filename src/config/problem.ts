/** One thing that is wrong with a configuration. */
export interface Problem {
  /** JSON pointer of the value, or of the key where a key is unknown: `/devices/0/mac`. Empty: the whole. */
  readonly path: string;
  readonly message: string;
  /** True: the key itself is meant, not its value. */
  readonly atKey?: true;
}

/** The pointer of a key below another pointer (RFC 6901). */
export function pointer(parent: string, key: string | number): string {
  return `${parent}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** The keys along a pointer. */
export function pointerKeys(path: string): string[] {
  return path
    .split("/")
    .slice(1)
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}
