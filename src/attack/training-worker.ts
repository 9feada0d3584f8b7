import { parentPort, type MessagePort } from "node:worker_threads";
import { HushboxError } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import { SeededRandom } from "../random/seeded-random.js";
import { attackNamed } from "./attacks.js";
import type { TrainingAnswer, TrainingTask } from "./training-pool.js";

/** Progress is told in steps of that share. */
const STEP = 0.05;

/** A thread of the pool: trains and asks, one task after the other. */
function serve(port: MessagePort): void {
  port.on("message", (task: TrainingTask) => {
    try {
      const answer = work(task, port);
      port.postMessage(answer, [answer.probabilities.buffer as ArrayBuffer]);
    } catch (error) {
      port.postMessage({
        error: messageOf(error),
        code: error instanceof HushboxError ? error.code : "internal",
      } satisfies TrainingAnswer);
    }
  });
}

function work(task: TrainingTask, port: MessagePort): Extract<TrainingAnswer, { probabilities: Float64Array }> {
  let told = 0;
  const model = attackNamed(task.attack).train(task.train, new SeededRandom(task.seed), (done) => {
    if (done < told + STEP) return;
    told = done;
    port.postMessage({ progress: done } satisfies TrainingAnswer);
  });
  return { probabilities: model.probabilities(task.test), model: task.keepModel === true ? model.save() : null };
}

if (parentPort === null) throw new HushboxError("internal", "a training thread was started outside a worker");
serve(parentPort);
