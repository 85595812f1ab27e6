/** Positions of the two fields of a RecordBatch v2 that the log fills in. https://kafka.apache.org/documentation/#recordbatch */
const BASE_OFFSET = 0;
const LEADER_EPOCH = 12;

/** Writes where the batch stands in the log; both fields lie outside its CRC. */
export function placeBatch(batch: Buffer, baseOffset: number, leaderEpoch: number): void {
  // Two halves: a BigInt would cost three times as much.
  batch.writeUInt32BE(Math.floor(baseOffset / 2 ** 32), BASE_OFFSET);
  batch.writeUInt32BE(baseOffset % 2 ** 32, BASE_OFFSET + 4);
  batch.writeInt32BE(leaderEpoch, LEADER_EPOCH);
}
