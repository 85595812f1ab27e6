import { describe, expect, it } from '@jest/globals';
import { ReplyError } from 'ioredis';
import { StoreUnavailable } from '../contract/refusal.ts';
import { storeFailure } from './redis-failure.ts';

describe('a failed command', () => {
  it.each([
    ["OOM command not allowed when used memory > 'maxmemory'. script: 84d7, on @user_script:18."],
    ['LOADING Redis is loading the dataset in memory'],
    ['BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.'],
    ["READONLY You can't write against a read only replica. script: 84d7, on @user_script:18."],
    ['NOREPLICAS Not enough good replicas to write.'],
    ['CLUSTERDOWN The cluster is down'],
    ['ERR Script killed by user with SCRIPT KILL... script: 694a, on @user_script:1.'],
  ])('is to be tried again where Redis says %s', (message) => {
    const failure = storeFailure(new ReplyError(message));
    expect(failure).toBeInstanceOf(StoreUnavailable);
    expect((failure as Error).message).toBe(`Redis refuses for now: ${message}`);
  });

  it('is to be tried again where the connection was lost', () => {
    expect(storeFailure(new Error('Connection is closed.'))).toEqual(
      new StoreUnavailable('Redis is not reachable: the connection was lost'),
    );
  });

  it.each([
    ['WRONGTYPE Operation against a key holding the wrong kind of value'],
    ["ERR user_script:3: attempt to index local 'meta' (a nil value) script: 694a, on @user_script:3."],
    ['ERR unknown command'],
  ])('is a bug, and told as it is, where Redis says %s', (message) => {
    const error = new ReplyError(message);
    expect(storeFailure(error)).toBe(error);
  });
});
