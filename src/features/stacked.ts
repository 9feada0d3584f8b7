import type { Matrix } from "./matrix.js";

/** Matrices of equally many columns, one below the other. */
export function stacked(parts: readonly Matrix[]): Matrix {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const columns = first?.columns ?? 0;
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const values = new Float64Array(rows * columns);
  let at = 0;
  for (const part of parts) {
    values.set(part.values, at);
    at += part.values.length;
  }
  return { rows, columns, values };
}
