import { hash } from 'node:crypto';
import { ALGORITHM } from './signature-parameters.ts';
import type { CredentialScope } from './signing-keys.ts';

const BEYOND_ASCII = /[^\x00-\x7f]/;

/** The text that a signature is made of, by who signs and by who checks. `timeText`: `20150830T123600Z`. */
export function stringToSign(canonical: string, timeText: string, { date, region, service }: CredentialScope): string {
  // A character of the wire is a byte; hashing text would take one above 7F for two.
  const bytes = BEYOND_ASCII.test(canonical) ? Buffer.from(canonical, 'latin1') : canonical;
  return `${ALGORITHM}\n${timeText}\n${date}/${region}/${service}/aws4_request\n${hash('sha256', bytes, 'hex')}`;
}
