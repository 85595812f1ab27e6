import { describe, expect, it } from '@jest/globals';
import { parseRedisUrl, RedisUrlInvalid, withoutPassword } from './redis-url.ts';

describe('parseRedisUrl', () => {
  it.each([
    ['redis://localhost', { kind: 'single', addresses: [{ host: 'localhost', port: 6379 }], tls: false, database: 0 }],
    [
      'rediss://me:p%40ss@cache.example:7000/3',
      {
        kind: 'single',
        addresses: [{ host: 'cache.example', port: 7000 }],
        tls: true,
        database: 3,
        username: 'me',
        password: 'p@ss',
      },
    ],
    [
      'redis://:secret@[::1]:6380',
      { kind: 'single', addresses: [{ host: '::1', port: 6380 }], tls: false, database: 0, password: 'secret' },
    ],
    [
      'redis+sentinel://a,b:5000/main/2',
      {
        kind: 'sentinel',
        addresses: [
          { host: 'a', port: 26379 },
          { host: 'b', port: 5000 },
        ],
        primaryName: 'main',
        tls: false,
        database: 2,
      },
    ],
    [
      'rediss+cluster://a:1,b:2',
      {
        kind: 'cluster',
        addresses: [
          { host: 'a', port: 1 },
          { host: 'b', port: 2 },
        ],
        tls: true,
        database: 0,
      },
    ],
  ])('reads %s', (url, location) => {
    expect(parseRedisUrl(url)).toEqual(location);
  });

  it.each([
    ['localhost:6379', 'it is not understood'],
    ['http://localhost', 'it is not understood'],
    ['redis://', '"" is no host:port'],
    ['redis://a:70000', '70000 is no port'],
    ['redis://a,b', 'several hosts need redis+sentinel or redis+cluster'],
    ['redis+sentinel://a', "the primary's name is missing"],
    ['redis://a/x', 'its path is not understood'],
    ['redis+cluster://a/1', 'a cluster has only database 0'],
  ])('refuses %s: %s', (url, why) => {
    expect(() => parseRedisUrl(url)).toThrow(RedisUrlInvalid);
    expect(() => parseRedisUrl(url)).toThrow(`Redis URL "${url}": ${why}.`);
  });

  it('never shows a password', () => {
    expect(withoutPassword('redis://me:secret@host')).toBe('redis://…@host');
    expect(() => parseRedisUrl('redis://me:secret@host/x')).toThrow(/"redis:\/\/…@host\/x"/);
  });
});
