import { ReadableFailure } from '@tailrace/service';
import { addresses } from './arguments.ts';
import { type ClientTls, tlsOf } from './client-access.ts';
import { type Answer, exchange } from './http-exchange.ts';
import { UsageError } from './usage-error.ts';

/** Where the HTTP door is, and how it is spoken to. */
export interface HttpDoor {
  readonly url: string;
  readonly tls: ClientTls | undefined;
}

/** With TLS asked for, an address that says nothing else is one of https. Throws UsageError. */
export function httpDoor(values: Parameters<typeof addresses>[0] & Parameters<typeof tlsOf>[0]): HttpDoor {
  const tls = tlsOf(values);
  const { http } = addresses(values);
  if (!/^https?:\/\/[^/]/i.test(http) || !URL.canParse(http))
    throw new UsageError(`--http takes a URL such as http://127.0.0.1:4567, not ${http}.`);
  if (values.tls === true && values.http !== undefined && /^http:/i.test(http))
    throw new UsageError(`--tls asks for TLS, and ${http} for plain text: give an https URL.`);
  return { url: tls === undefined || values.http !== undefined ? http : http.replace(/^http:/, 'https:'), tls };
}

export interface DoorRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** One request and its answer, whatever its status. Throws ReadableFailure where nobody answers. */
export async function ask({ url, tls }: HttpDoor, { path, ...request }: DoorRequest): Promise<Answer> {
  try {
    return await exchange(url + path, { ...request, tls });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== undefined && /CERT|SELF_SIGNED|UNABLE_TO|ALTNAME|EPROTO|SSL/.test(code)) {
      const hint = `${url}: ${message}. \`--tls-ca FILE\` names the authority to trust.`;
      throw new ReadableFailure(hint, { cause: error });
    }
    throw new ReadableFailure(`No HTTP door answers at ${url}. Is the service running (\`tailrace up\`)?`, {
      cause: error,
    });
  }
}

/** The JSON of an answer. Throws ReadableFailure: whoever sent anything else is not this service. */
export function jsonOf({ url }: HttpDoor, { status, text }: Answer): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ReadableFailure(
      `${url} answered with status ${status} and no JSON: is that the HTTP door of this service?`,
      {
        cause: error,
      },
    );
  }
}
