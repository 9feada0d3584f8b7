/** Rows of scores into shares that add up to 1, in place: eˢ over the row's sum, the largest score taken off first so that nothing overflows. */
export function softmax(scores: Float64Array, rows: number, classes: number): void {
  for (let row = 0; row < rows; row++) {
    const start = row * classes;
    let largest = -Infinity;
    for (let c = 0; c < classes; c++) largest = Math.max(largest, scores[start + c] ?? 0);
    let sum = 0;
    for (let c = 0; c < classes; c++) {
      const power = Math.exp((scores[start + c] ?? 0) - largest);
      scores[start + c] = power;
      sum += power;
    }
    for (let c = 0; c < classes; c++) scores[start + c] = (scores[start + c] ?? 0) / sum;
  }
}
