import { parentPort } from "node:worker_threads";
import { HushboxError, type ErrorCode } from "../../errors/hushbox-error.js";
import { writeSession, type SessionFile, type SessionJob } from "./session-file.js";

/** What a worker answers to a job. */
export type SessionAnswer = SessionFile | { readonly code: ErrorCode; readonly message: string };

// A thread of its own: session after session, as they are asked for.
parentPort?.on("message", (job: SessionJob) => {
  let answer: SessionAnswer;
  try {
    answer = writeSession(job);
  } catch (error) {
    // Of an error that is cloned only its words come over.
    if (!(error instanceof HushboxError)) throw error;
    answer = { code: error.code, message: error.message };
  }
  parentPort?.postMessage(answer);
});
