/** Whose a stream is, where accounts and regions are kept apart. */
export interface StreamOwner {
  /** Twelve digits. */
  readonly account: string;
  /** Letters, digits and dashes, 32 at most: no dots, so that a name can be told from what stands before it. */
  readonly region: string;
}

/** The name under which a stream of another account or region than the home is kept: `<account>.<region>.<name>`. */
export function ownedName({ account, region }: StreamOwner, name: string): string {
  return `${account}.${region}.${name}`;
}

/** Whether a name has the form of those that `ownedName` makes. */
export function isOwnedName(name: string): boolean {
  return /^\d{12}\.[a-zA-Z0-9-]{1,32}\../.test(name);
}
