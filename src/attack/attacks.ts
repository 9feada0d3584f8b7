import { HushboxError } from "../errors/hushbox-error.js";
import { AdaBoost } from "./ada-boost.js";
import type { Attack } from "./attack.js";
import { DecisionTree } from "./decision-tree.js";
import { DeepFingerprinting } from "./deep-fingerprinting.js";
import { KFingerprinting } from "./k-fingerprinting.js";
import { KNearestNeighbours } from "./k-nearest-neighbours.js";
import { NeuralNetwork } from "./neural-network.js";
import { RandomForest } from "./random-forest.js";

/** Every attack with its published settings. The README beside lists them. */
export const ATTACKS: readonly Attack[] = [
  new AdaBoost(),
  new DecisionTree(),
  new DeepFingerprinting(),
  new KFingerprinting(),
  new KNearestNeighbours(),
  new NeuralNetwork(),
  new RandomForest(),
];

/** The attack of a name. Throws HushboxError `usage`, naming those that there are. */
export function attackNamed(name: string): Attack {
  const found = ATTACKS.find((attack) => attack.name === name);
  if (found !== undefined) return found;
  const names = ATTACKS.map((attack) => attack.name).join(", ");
  throw new HushboxError("usage", `there is no attack ${JSON.stringify(name)}; there are ${names}`);
}
