/**
 * Closes what was opened, the newest first, each once; also what lies behind one that cannot be closed: the store comes last, and
 * its lock and files must not stay because a metrics port did. Throws, at the end, what they threw.
 */
export async function closeBackwards(opened: (() => Promise<unknown> | void)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of opened.splice(0).reverse()) {
    try {
      await close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, 'several parts could not be closed');
}
