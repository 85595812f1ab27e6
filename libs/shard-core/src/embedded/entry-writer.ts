import { REMAINS_WRITE_BYTES } from './bounds.ts';
import { ENTRY_HEADER_BYTES, type EntryHeader, writeEntryHeader } from './entry.ts';
import { type LogFile, writeWhole } from './file-system.ts';

/** Writes entries one behind the other, each naming the one before it. */
export class EntryWriter {
  readonly #file: LogFile;
  readonly #generation: number;
  #chain = 0;
  #buffers: Buffer[] = [];
  #written = 0;
  /** Where the next entry lies. */
  end = 0;

  constructor(file: LogFile, generation: number) {
    this.#file = file;
    this.#generation = generation;
  }

  /** Answers where the entry lies. */
  async add(
    {
      batchBytes,
      batchCrc,
      slot,
      baseOffset,
      appendTimeMs,
      partition,
    }: Omit<EntryHeader, 'crc' | 'generation' | 'chain'>,
    batch: Buffer,
  ): Promise<number> {
    const head = Buffer.allocUnsafe(ENTRY_HEADER_BYTES);
    this.#chain = writeEntryHeader(
      head,
      0,
      this.#generation,
      this.#chain,
      batchBytes,
      batchCrc,
      slot,
      baseOffset,
      appendTimeMs,
      partition,
    );
    const position = this.end;
    this.#buffers.push(head, batch);
    this.end += ENTRY_HEADER_BYTES + batchBytes;
    if (this.end - this.#written >= REMAINS_WRITE_BYTES) await this.flush();
    return position;
  }

  async flush(): Promise<void> {
    const buffers = this.#buffers;
    this.#buffers = [];
    if (buffers.length > 0) await writeWhole(this.#file, buffers, this.#written);
    this.#written = this.end;
  }
}
