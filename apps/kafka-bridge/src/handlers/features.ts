/** What a cluster as a whole has agreed to do (KIP-584); clients choose by it how they talk to all of its brokers. */
export interface Feature {
  readonly name: string;
  /** Levels that this door could take. */
  readonly minVersion: number;
  readonly maxVersion: number;
  /** The level in force. */
  readonly level: number;
}

/** In the order of their names. */
export const features: readonly Feature[] = [
  /** Consumer groups whose partitions the coordinator shares out (KIP-848). */
  { name: 'group.version', minVersion: 0, maxVersion: 1, level: 1 },
  /** Share groups (KIP-932). */
  { name: 'share.version', minVersion: 0, maxVersion: 1, level: 1 },
  /** Producers' epochs grow with each transaction, and writing to a partition makes it part of it (KIP-890). */
  { name: 'transaction.version', minVersion: 0, maxVersion: 2, level: 2 },
];

/** Grows with every change of a level. None changes while a bridge runs. */
export const FEATURES_EPOCH = 1n;

/** From this version of ApiVersions on a client can read that a feature's lowest level is 0 (KAFKA-17011). */
export const LEVEL_0_SINCE = 4;
