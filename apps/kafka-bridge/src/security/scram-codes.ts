import type { ScramMechanism } from '@tailrace/identity';

/** The protocol's numbers of SCRAM mechanisms. */
export const SCRAM_CODES = { 'SCRAM-SHA-256': 1, 'SCRAM-SHA-512': 2 } as const satisfies Record<ScramMechanism, number>;

/** `undefined`: no mechanism has this number. */
export function scramMechanismOf(code: number): ScramMechanism | undefined {
  return (Object.keys(SCRAM_CODES) as ScramMechanism[]).find((mechanism) => SCRAM_CODES[mechanism] === code);
}
