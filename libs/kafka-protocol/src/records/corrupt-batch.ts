/** The records of a batch are not what its header promises. The batch is refused as a whole, or skipped by a reader. */
export class CorruptBatch extends Error {
  override readonly name = 'CorruptBatch';
}
