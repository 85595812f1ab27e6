import {
  credentialOfPassword,
  type CredentialChange,
  type ScramMechanism,
  type UserOutcome,
  Users,
} from '@tailrace/identity';
import type { Documents } from '@tailrace/shard-core';

/** A user of the Kafka door, without what is kept of the password. */
export interface UserSummary {
  readonly name: string;
  readonly credentials: readonly { readonly mechanism: ScramMechanism; readonly iterations: number }[];
}

/** What `tailrace users` needs; each takes and answers what JSON can say. */
export interface UserMethods {
  listUsers(): Promise<readonly UserSummary[]>;
  /** Makes the user, or gives it another password. */
  setUser(
    name: string,
    password: string,
    mechanisms: readonly ScramMechanism[],
    iterations: number,
  ): Promise<UserOutcome>;
  removeUser(name: string): Promise<UserOutcome>;
}

export const USER_METHODS = ['listUsers', 'setUser', 'removeUser'] as const satisfies readonly (keyof UserMethods)[];

/** In the store itself. Rarely used: what is known of the users is read for each call. */
export function userMethods(documents: Documents): UserMethods {
  const withUsers = async <T>(run: (users: Users) => Promise<T>): Promise<T> => {
    const users = await Users.open(documents);
    try {
      return await run(users);
    } finally {
      await users.close();
    }
  };
  return {
    listUsers: () =>
      withUsers(async (users) =>
        users.list().map(({ name, credentials }) => ({
          name,
          credentials: [...credentials].map(([mechanism, { iterations }]) => ({ mechanism, iterations })),
        })),
      ),
    setUser: (name, password, mechanisms, iterations) =>
      withUsers(async (users) => {
        const changes: CredentialChange[] = [];
        for (const mechanism of mechanisms) {
          changes.push({ mechanism, credential: await credentialOfPassword(mechanism, password, iterations) });
        }
        return users.change(name, changes);
      }),
    removeUser: (name) => withUsers((users) => users.remove(name)),
  };
}
