import { createHash } from 'node:crypto';
import { scriptTexts } from './scripts.generated.ts';

/** What is known of a script beside its text; scripts.spec.ts compares it with the headers of the `.lua` files. */
export interface Script {
  readonly name: ScriptName;
  /** How many arguments of the call are keys. */
  readonly keyCount: number;
  /** The tags with which an answer may begin. */
  readonly replies: readonly string[];
  readonly text: string;
  /** What EVALSHA knows it by. */
  readonly sha: string;
}

export type ScriptName = keyof typeof scriptTexts;

const declarations = {
  'append-batch': {
    keyCount: 4,
    replies: [
      'ok',
      'duplicate',
      'shardNotFound',
      'shardSealed',
      'staleProducerEpoch',
      'staleCoordinatorEpoch',
      'encryptionRequired',
      'inherited',
      'outOfOrderSequence',
      'duplicateSequence',
      'transactionOpen',
      'payloadMissing',
    ],
  },
  'advance-watermark': { keyCount: 1, replies: ['ok', 'shardNotFound'] },
  'hand-over-producers': { keyCount: 3, replies: ['ok', 'opened'] },
  'leave-partition': { keyCount: 1, replies: ['ok', 'shardNotFound'] },
  'release-transaction': { keyCount: 3, replies: ['ok', 'unsealed', 'shardNotFound'] },
  'list-producers': { keyCount: 2, replies: ['ok'] },
  'open-shard': { keyCount: 7, replies: ['ok', 'leftover'] },
  'seal-shard': { keyCount: 1, replies: ['ok', 'shardNotFound'] },
  'require-encryption': { keyCount: 1, replies: ['ok', 'shardNotFound'] },
  'move-start': { keyCount: 2, replies: ['ok', 'offsetOutOfRange', 'shardNotFound'] },
  'purge-slice': { keyCount: 5, replies: ['ok'] },
  'begin-compaction': { keyCount: 3, replies: ['ok', 'leftover', 'shardNotFound'] },
  'add-compacted': { keyCount: 4, replies: ['ok', 'superseded', 'moved', 'payloadMissing', 'shardNotFound'] },
  'finish-compaction': { keyCount: 5, replies: ['ok', 'superseded', 'moved', 'shardNotFound'] },
  'delete-shard': { keyCount: 5, replies: ['ok'] },
  'arm-wake-up': { keyCount: 1, replies: ['ready', 'armed', 'shardNotFound'] },
  'find-timestamp': { keyCount: 3, replies: ['found', 'none', 'scan', 'shardNotFound'] },
  'write-documents': { keyCount: 3, replies: ['ok', 'conflict'] },
  'acquire-lease': { keyCount: 4, replies: ['held', 'refused'] },
  'release-lease': { keyCount: 3, replies: ['ok'] },
  'list-leases': { keyCount: 3, replies: ['ok'] },
  'take-tokens': { keyCount: 1, replies: ['ok'] },
  'claim-leadership': { keyCount: 1, replies: ['ok'] },
} as const satisfies Record<ScriptName, { keyCount: number; replies: readonly string[] }>;

export type Reply<Name extends ScriptName> = readonly [
  tag: (typeof declarations)[Name]['replies'][number],
  ...fields: string[],
];

export const scripts = Object.fromEntries(
  (Object.keys(declarations) as ScriptName[]).map((name) => {
    const text = scriptTexts[name];
    return [name, { name, ...declarations[name], text, sha: createHash('sha1').update(text).digest('hex') }];
  }),
) as unknown as { readonly [Name in ScriptName]: Script };
