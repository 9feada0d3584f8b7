/**
 * Fano's inequality read backwards: the least information in bits about the class that traffic must hold for its class to be told with
 * `accuracy`, where all `classes` are equally likely: log2 K - h(e) - e log2(K - 1), e = 1 - accuracy. A lower bound on I(class; traffic)
 * that rests on the balanced accuracy alone (Cover and Thomas 2006, theorem 2.10.1). 0 at chance and below it.
 */
export function fanoBound(accuracy: number, classes: number): number {
  if (accuracy <= 1 / classes) return 0;
  const error = Math.max(0, 1 - accuracy);
  return Math.log2(classes) - surprise(error) - surprise(1 - error) - error * Math.log2(classes - 1);
}

function surprise(p: number): number {
  return p <= 0 ? 0 : -p * Math.log2(p);
}
