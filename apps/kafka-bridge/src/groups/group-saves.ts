import type { Documents } from '@tailrace/shard-core';
import {
  type AnyGroupDocument,
  formatGroupDocument,
  type GroupDocument,
  parseGroupDocument,
} from './group-document.ts';

/** Somebody else has written the group's document: the group is theirs. */
export class GroupTaken extends Error {
  override readonly name = 'GroupTaken';
}

export interface GroupSavesOptions {
  readonly documents: Pick<Documents, 'write'>;
  /** Of the group's document. */
  readonly key: string;
  /** A text that no other save of any bridge has. */
  readonly nextMark: () => string;
  /** The document as it is now. Throws GroupTaken when the group has been let go of. */
  readonly current: () => AnyGroupDocument;
  /** A save has failed, with GroupTaken or StoreUnavailable; called before whoever waits for it is told. */
  readonly failed: (error: unknown) => void;
  /** A save has ended, one way or the other. */
  readonly ended: () => void;
}

/**
 * The writes of one group's document, one behind the other, each compared with the version that was read or written last:
 * of two bridges that write the same group only one goes on.
 */
export class GroupSaves {
  readonly #options: GroupSavesOptions;
  #version: number;
  /** What was written last, while it is not known whether it went through. */
  #unanswered: string | undefined;
  #last: Promise<void> = Promise.resolve();
  #unfinished = 0;
  /** The save of current state under way, and the one behind it that has not begun. */
  #underWay: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** `version`: of the document that was read; 0 when there is none. */
  constructor(version: number, options: GroupSavesOptions) {
    this.#version = version;
    this.#options = options;
  }

  /** Whether the group has a document. */
  get exists(): boolean {
    return this.#version > 0;
  }

  get areDone(): boolean {
    return this.#unfinished === 0;
  }

  /** Settles when every change up to now that was to be saved soon is durable, or will not be; `undefined`: it is already. */
  get pending(): Promise<void> | undefined {
    return this.#next ?? this.#underWay;
  }

  /** Saves this document. Throws GroupTaken, StoreUnavailable. */
  async save(document: AnyGroupDocument): Promise<void> {
    await this.#watched(this.#last.then(() => this.#write(document)));
  }

  /** Saves the group as it is when all saves before are done: changes that come meanwhile travel together. */
  saveSoon(): void {
    if (this.#next !== undefined) return;
    const save = this.#last.then(() => {
      this.#next = undefined;
      this.#underWay = save;
      return this.#write(this.#options.current());
    });
    this.#next = save;
    const done = () => {
      if (this.#underWay === save) this.#underWay = undefined;
    };
    // Whoever is to be answered waits for `save` itself.
    this.#watched(save).then(done, done);
  }

  async #watched(save: Promise<void>): Promise<void> {
    this.#unfinished += 1;
    this.#last = save.catch(() => undefined);
    try {
      await save;
    } catch (error) {
      this.#options.failed(error);
      throw error;
    } finally {
      this.#unfinished -= 1;
      this.#options.ended();
    }
  }

  async #write(document: AnyGroupDocument): Promise<void> {
    const { documents, key, nextMark } = this.#options;
    const value = formatGroupDocument(document, nextMark());
    for (;;) {
      const unanswered = this.#unanswered;
      this.#unanswered = value;
      const expected = this.#version === 0 ? 'absent' : this.#version;
      const written = await documents.write([{ key, value, expected }]);
      this.#unanswered = undefined;
      if (written.ok) {
        this.#version = written.versions[0] as number;
        return;
      }
      const { current } = written.conflict;
      if (current === undefined) throw new GroupTaken(key);
      // A write of ours that went through although its answer was lost, or one that only made the group known: it is still ours.
      const isOurs =
        current.value === unanswered || (this.#version === 0 && isBlank(parseGroupDocument(current.value)));
      if (!isOurs) throw new GroupTaken(key);
      this.#version = current.version;
    }
  }
}

/** Nobody has ever been in it: it stands for offsets alone. */
function isBlank(document: AnyGroupDocument): boolean {
  const { kind = 'classic' } = document;
  return kind === 'classic' && (document as GroupDocument).generation === 0 && document.members.length === 0;
}
