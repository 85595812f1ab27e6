/** Who acts: the bearer of an access key. */
export interface Principal {
  /** Twelve digits. */
  readonly account: string;
  /** `arn:aws:iam::<account>:user/<name>` */
  readonly arn: string;
}

/**
 * How a resource's policy names somebody. As a member of an `account` it hands the decision to that account: within the
 * resource's own account this alone allows nothing. By its own ARN, or as everybody, it names the bearer `directly`.
 */
export type Naming = 'directly' | 'account';

export interface CompiledPrincipals {
  naming(principal: Principal): Naming | undefined;
}

const ACCOUNT = /^(?:arn:aws(?:-cn|-us-gov)?:iam::)?(\d{12})(?::root)?$/;
const USER =
  /^arn:aws(?:-cn|-us-gov)?:iam::\d{12}:(?:user|role)\/[\w+=,.@/-]{1,600}$|^arn:aws(?:-cn|-us-gov)?:sts::\d{12}:assumed-role\/[\w+=,.@/-]{1,600}$/;

export function userArn(account: string, userName: string): string {
  return `arn:aws:iam::${account}:user/${userName}`;
}

/** Of the entries under `Principal.AWS`. If one of them is none: that one. */
export function compilePrincipals(entries: readonly string[]): CompiledPrincipals | string {
  const accounts = new Set<string>();
  const arns = new Set<string>();
  let everybody = false;
  for (const entry of entries) {
    const account = ACCOUNT.exec(entry)?.[1];
    if (entry === '*') everybody = true;
    else if (account !== undefined) accounts.add(account);
    else if (USER.test(entry)) arns.add(entry);
    else return entry;
  }
  return {
    naming({ account, arn }) {
      if (everybody || arns.has(arn)) return 'directly';
      return accounts.has(account) ? 'account' : undefined;
    },
  };
}
