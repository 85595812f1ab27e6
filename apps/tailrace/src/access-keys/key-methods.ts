import type { AccessKeyRegister } from '@tailrace/identity';

/** What `tailrace keys` needs of the register; each takes and answers what JSON can say. */
export const KEY_METHODS = ['create', 'list', 'revoke', 'remove', 'setPolicy'] as const;

export type KeyMethod = (typeof KEY_METHODS)[number];
export type KeyMethods = Pick<AccessKeyRegister, KeyMethod>;

export function isKeyMethod(name: string): name is KeyMethod {
  return (KEY_METHODS as readonly string[]).includes(name);
}
