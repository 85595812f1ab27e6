export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

export interface RedisCredentials {
  readonly username?: string;
  readonly password?: string;
}

/** Where the store is, as a URL says it. */
export interface RedisLocation extends RedisCredentials {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  /** `single`: the one server. `sentinel`: the sentinels. `cluster`: nodes to ask first. */
  readonly addresses: readonly RedisAddress[];
  /** The name under which the sentinels know the primary. */
  readonly primaryName?: string;
  readonly tls: boolean;
  /** Database index; always 0 in a cluster. */
  readonly database: number;
}

/** The setting is no URL of the engine; the message says what would be one. */
export class RedisUrlInvalid extends Error {
  override readonly name = 'RedisUrlInvalid';
}

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26379;
const FORMS =
  'redis://[user:password@]host[:port][/database], rediss://… for TLS, ' +
  'redis+sentinel://[user:password@]host[:port][,host[:port]…]/primary-name[/database] or ' +
  'redis+cluster://[user:password@]host[:port][,host[:port]…]';

const SCHEMES: Readonly<Record<string, { readonly kind: RedisLocation['kind']; readonly tls: boolean }>> = {
  redis: { kind: 'single', tls: false },
  rediss: { kind: 'single', tls: true },
  'redis+sentinel': { kind: 'sentinel', tls: false },
  'rediss+sentinel': { kind: 'sentinel', tls: true },
  'redis+cluster': { kind: 'cluster', tls: false },
  'rediss+cluster': { kind: 'cluster', tls: true },
};

/** Reads `redis://`, `rediss://`, `redis+sentinel://` and `redis+cluster://`. Throws RedisUrlInvalid. */
export function parseRedisUrl(url: string): RedisLocation {
  // Several hosts in one authority are no URL in the standard's sense, so this reads it by hand.
  const parts = /^([a-z+]+):\/\/(?:([^@/]*)@)?([^/?#]*)(?:\/([^?#]*))?$/i.exec(url);
  const scheme = parts === null ? undefined : SCHEMES[(parts[1] as string).toLowerCase()];
  if (parts === null || scheme === undefined) throw invalid(url, 'it is not understood');
  const { kind, tls } = scheme;
  const addresses = (parts[3] as string)
    .split(',')
    .map((text) => parseAddress(text, kind === 'sentinel' ? SENTINEL_PORT : REDIS_PORT, url));
  if (kind === 'single' && addresses.length > 1)
    throw invalid(url, 'several hosts need redis+sentinel or redis+cluster');

  const path = (parts[4] ?? '').split('/').filter((part) => part !== '');
  const primaryName = kind === 'sentinel' ? path.shift() : undefined;
  if (kind === 'sentinel' && primaryName === undefined) throw invalid(url, "the primary's name is missing");
  const database = Number(path.shift() ?? '0');
  if (!Number.isInteger(database) || database < 0 || path.length > 0) throw invalid(url, 'its path is not understood');
  if (kind === 'cluster' && database !== 0) throw invalid(url, 'a cluster has only database 0');
  return {
    kind,
    addresses,
    tls,
    database,
    ...(primaryName !== undefined && { primaryName: decodeURIComponent(primaryName) }),
    ...parseCredentials(parts[2]),
  };
}

/** The URL without its password, for messages. */
export function withoutPassword(url: string): string {
  return url.replace(/^([a-z+]+:\/\/)[^@/]*@/i, '$1…@');
}

function parseAddress(text: string, defaultPort: number, url: string): RedisAddress {
  const parts = /^(?:\[([0-9a-f:]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/i.exec(text);
  if (parts === null) throw invalid(url, `"${text}" is no host:port`);
  const port = parts[3] === undefined ? defaultPort : Number(parts[3]);
  if (port < 1 || port > 65_535) throw invalid(url, `${port} is no port`);
  return { host: (parts[1] ?? parts[2]) as string, port };
}

function parseCredentials(text: string | undefined): RedisCredentials {
  if (text === undefined || text === '') return {};
  const colon = text.indexOf(':');
  const username = decodeURIComponent(colon < 0 ? text : text.slice(0, colon));
  const password = colon < 0 ? undefined : decodeURIComponent(text.slice(colon + 1));
  return { ...(username !== '' && { username }), ...(password !== undefined && { password }) };
}

function invalid(url: string, why: string): RedisUrlInvalid {
  return new RedisUrlInvalid(`Redis URL "${withoutPassword(url)}": ${why}. It has the form ${FORMS}.`);
}
