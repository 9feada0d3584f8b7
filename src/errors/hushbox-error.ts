/** What went wrong, as a stable word that scripts and the API can rely on. */
export type ErrorCode =
  | "usage"
  | "config-invalid"
  | "config-unreadable"
  | "config-conflict"
  | "capture-invalid"
  | "capture-truncated"
  | "too-few-samples"
  | "link-type-unsupported"
  | "output-unwritable"
  | "dataset-invalid"
  | "interface-missing"
  | "interface-gone"
  | "permission"
  | "native-missing"
  | "library-missing"
  | "offload"
  | "take-over"
  | "state-unreadable"
  | "samples-invalid"
  | "model-invalid"
  | "already-running"
  | "api"
  | "host"
  | "setup"
  | "internal";

/** The one error class of hushbox. `message` says what was being done and to what; `cause` keeps what lies beneath. */
export class HushboxError extends Error {
  override readonly name = "HushboxError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
