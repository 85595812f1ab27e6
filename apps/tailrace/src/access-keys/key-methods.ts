import { AccessKeyRegister, SecretSealing } from '@tailrace/identity';
import type { Documents } from '@tailrace/shard-core';
import { USER_METHODS, type UserMethods, userMethods } from '../users/user-methods.ts';

/** What `tailrace keys` and `tailrace users` need; each takes and answers what JSON can say. */
const REGISTER_METHODS = ['create', 'list', 'revoke', 'remove', 'setPolicy'] as const;
export const KEY_METHODS = [...REGISTER_METHODS, ...USER_METHODS] as const;

export type KeyMethod = (typeof KEY_METHODS)[number];
export type KeyMethods = Pick<AccessKeyRegister, (typeof REGISTER_METHODS)[number]> & UserMethods;

/** In the store itself. */
export function keyMethods(documents: Documents, masterKeys: readonly Buffer[]): KeyMethods {
  const register = new AccessKeyRegister(documents, new SecretSealing(masterKeys));
  const bound = Object.fromEntries(REGISTER_METHODS.map((method) => [method, register[method].bind(register)]));
  return { ...(bound as Pick<AccessKeyRegister, (typeof REGISTER_METHODS)[number]>), ...userMethods(documents) };
}

export function isKeyMethod(name: string): name is KeyMethod {
  return (KEY_METHODS as readonly string[]).includes(name);
}
