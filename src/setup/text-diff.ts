/** Lines that stay around those that change. */
const CONTEXT = 1;

/**
 * What becomes of a text, line by line: ` ` stays, `-` goes, `+` comes, `…` stands for lines that stay. By the longest common
 * subsequence: files here have some dozens of lines.
 */
export function textDiff(before: string, after: string): string[] {
  const [a, b] = [lines(before), lines(after)];
  const common = table(a, b);
  const all: string[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      all.push(` ${a[i++] ?? ""}`);
      j++;
    } else if (i < a.length && (j === b.length || at(common, i + 1, j) >= at(common, i, j + 1)))
      all.push(`-${a[i++] ?? ""}`);
    else all.push(`+${b[j++] ?? ""}`);
  }
  return folded(all);
}

function lines(text: string): string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

function table(a: readonly string[], b: readonly string[]): number[][] {
  const rows = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--) {
    const row = rows[i] ?? [];
    for (let j = b.length - 1; j >= 0; j--)
      row[j] = a[i] === b[j] ? at(rows, i + 1, j + 1) + 1 : Math.max(at(rows, i + 1, j), at(rows, i, j + 1));
  }
  return rows;
}

function at(rows: readonly (readonly number[])[], i: number, j: number): number {
  return rows[i]?.[j] ?? 0;
}

function folded(all: readonly string[]): string[] {
  const near = all.map((_, i) =>
    all.slice(Math.max(0, i - CONTEXT), i + CONTEXT + 1).some((line) => !line.startsWith(" ")),
  );
  return all.flatMap((line, i) => {
    if (near[i] === true) return [line];
    return near[i - 1] === true || i === 0 ? [" …"] : [];
  });
}
