/** Where the bytes of a result go. */
export interface Target {
  /** Takes the bytes over. Throws HushboxError: output-unwritable. */
  write(bytes: Uint8Array): void;
  /** Resolves when more had better come. Whoever writes in long stretches asks between them. */
  room(): Promise<void>;
  /** Everything was written: only now there is a result. */
  finish(): Promise<void>;
  /** There will be no result. Idempotent. */
  discard(): void;
}
