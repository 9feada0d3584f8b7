/** A place to meet for so many: each waits there until the last one has come. */
export function meeting(many: number): () => Promise<void> {
  const waiting: (() => void)[] = [];
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      if (waiting.length === many) for (const go of waiting.splice(0)) go();
    });
}
