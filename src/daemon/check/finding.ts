import { HushboxError } from "../../errors/hushbox-error.js";

/** What one look at the host found. `advice` says what to do, where there is something. */
export interface Finding {
  readonly status: "ok" | "warn" | "fail";
  readonly what: string;
  readonly message: string;
  readonly advice?: string;
}

/** Where the kernel shows itself; another root in tests. */
export interface HostPaths {
  readonly proc: string;
  readonly sys: string;
}

/** A look that throws found something too. */
export function guarded(what: string, look: () => Finding[]): Finding[] {
  try {
    return look();
  } catch (error) {
    if (error instanceof HushboxError) return [{ status: "fail", what, message: error.message }];
    throw error;
  }
}
