import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Documents, openStore, type Store, StoreUnavailable } from '@tailrace/shard-core';
import { logger } from '@tailrace/telemetry';
import { eventually, temporaryDirectory, type TemporaryDirectory } from '@tailrace/testkit';
import { FULL_ACCESS } from '../policies/policy.ts';
import { documentKeyOf } from './access-key-document.ts';
import { AccessKeyRegister, DESCRIPTION_CHARACTERS_MAX, type NewAccessKey } from './access-key-register.ts';
import { KnownAccessKeys } from './known-access-keys.ts';
import { parseMasterKey, SecretSealing, type StoredSecret } from './secret-sealing.ts';

const account = '111122223333';
const createdAtMs = Date.UTC(2026, 4, 6);
const wanted: NewAccessKey = { account, userName: 'alice', policy: FULL_ACCESS, description: 'for the shop' };
const masterKey = Buffer.alloc(32, 1);
const otherKey = Buffer.alloc(32, 2);
const open = new SecretSealing();

let directory: TemporaryDirectory;
let store: Store;
let documents: Documents;

beforeAll(async () => {
  // What cannot be used is told to the log, which is not what is looked at here.
  logger.level = 'silent';
  directory = await temporaryDirectory();
  store = await openStore({
    store: 'embedded',
    dataDir: directory.path,
    durability: 'relaxed',
    redisUrl: '',
    minInsyncReplicas: 0,
  });
  documents = store.documents;
});

afterAll(async () => {
  await store.close();
  await directory.remove();
});

const registerOf = (sealing = open) => new AccessKeyRegister(documents, sealing, () => createdAtMs);

async function created(
  register = registerOf(),
  more: Partial<NewAccessKey> = {},
): Promise<{ id: string; secret: string }> {
  const outcome = await register.create({ ...wanted, ...more });
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.refusal));
  return { id: outcome.value.accessKey.id, secret: outcome.value.secret };
}

describe('the register', () => {
  it('makes a key of the shape of AWS, and shows its secret once', async () => {
    const register = registerOf();
    const outcome = await register.create(wanted);
    const described = {
      id: expect.stringMatching(/^AKIA[A-Z2-7]{16}$/),
      account,
      userName: 'alice',
      description: 'for the shop',
      createdAtMs,
      revokedAtMs: undefined,
      encrypted: false,
      policy: FULL_ACCESS,
    };
    expect(outcome).toEqual({
      ok: true,
      value: { accessKey: described, secret: expect.stringMatching(/^[A-Za-z0-9+/]{40}$/) },
    });
    if (!outcome.ok) return;
    const { accessKey, secret } = outcome.value;
    expect(await register.describe(accessKey.id)).toEqual({ ok: true, value: described });
    const page = await register.list();
    expect(page.accessKeys).toContainEqual(accessKey);
    expect(JSON.stringify(page)).not.toContain(secret);
  });

  it('takes a key that was made elsewhere, once', async () => {
    const imported = { id: 'test', secret: 'test' };
    expect(await created(registerOf(), { imported })).toEqual(imported);
    expect(await registerOf().create({ ...wanted, imported })).toEqual({
      ok: false,
      refusal: { code: 'accessKeyExists', id: 'test' },
    });
  });

  it.each<[Partial<NewAccessKey>, object]>([
    [{ account: '1' }, { code: 'invalidAccessKey', problem: 'The account "1" has not exactly twelve digits.' }],
    [
      { userName: 'a b' },
      { code: 'invalidAccessKey', problem: 'The user name "a b" is not 1 to 64 of letters, digits and _+=,.@-.' },
    ],
    [
      { description: 'x'.repeat(DESCRIPTION_CHARACTERS_MAX + 1) },
      { code: 'invalidAccessKey', problem: 'The description has 257 characters; at most 256 are kept.' },
    ],
    [
      { imported: { id: 'a/b', secret: 'x' } },
      { code: 'invalidAccessKey', problem: 'The access key id "a/b" is not 3 to 128 letters, digits and _.' },
    ],
    [
      { imported: { id: 'abc', secret: 'x y' } },
      { code: 'invalidAccessKey', problem: 'The secret is not 1 to 128 visible characters of ASCII.' },
    ],
    [{ policy: {} }, { code: 'invalidPolicy', problem: 'The policy has no Statement.' }],
  ])('refuses %j', async (more, refusal) => {
    expect(await registerOf().create({ ...wanted, ...more })).toEqual({ ok: false, refusal });
  });

  it('lists in pages', async () => {
    const register = registerOf();
    await Promise.all([created(), created(), created()]);
    const whole = await register.list();
    const ids: string[] = [];
    let after: string | undefined;
    do {
      const page = await register.list({ limit: 2, ...(after !== undefined && { after }) });
      expect(page.accessKeys.length).toBeLessThanOrEqual(2);
      ids.push(...page.accessKeys.map(({ id }) => id));
      after = page.nextAfter;
    } while (after !== undefined);
    expect(ids).toEqual(whole.accessKeys.map(({ id }) => id));
    expect(ids.length).toBeGreaterThanOrEqual(3);
  });

  it('revokes: the secret is erased, who had it stays until the key is removed', async () => {
    const register = registerOf();
    const { id, secret } = await created(register);
    expect(await register.remove(id)).toEqual({ ok: false, refusal: { code: 'accessKeyInUse', id } });
    const revoked = { ok: true, value: expect.objectContaining({ id, userName: 'alice', revokedAtMs: createdAtMs }) };
    expect(await register.revoke(id)).toEqual(revoked);
    expect((await documents.get(documentKeyOf(id)))?.value).not.toContain(secret);
    expect(await register.revoke(id)).toEqual(revoked);
    expect(await register.setPolicy(id, FULL_ACCESS)).toEqual({ ok: false, refusal: { code: 'accessKeyRevoked', id } });
    expect(await register.remove(id)).toEqual({ ok: true, value: undefined });
    for (const answer of [register.describe(id), register.revoke(id), register.remove(id)]) {
      expect(await answer).toEqual({ ok: false, refusal: { code: 'accessKeyNotFound', id } });
    }
  });

  it('knows no key whose id is none', async () => {
    const id = '../stream/orders';
    expect(await registerOf().describe(id)).toEqual({ ok: false, refusal: { code: 'accessKeyNotFound', id } });
  });

  it('changes what a key may do', async () => {
    const register = registerOf();
    const { id } = await created(register);
    const policy = { Statement: { Effect: 'Allow', Action: 'kinesis:Get*', Resource: '*' } };
    expect(await register.setPolicy(id, policy)).toMatchObject({ ok: true, value: { policy } });
    expect(await register.setPolicy(id, [])).toEqual({
      ok: false,
      refusal: { code: 'invalidPolicy', problem: 'The policy must be an object.' },
    });
  });

  it('does not lose a change that comes between', async () => {
    const { id } = await created();
    let between = true;
    const busy: Documents = {
      get: async (key) => {
        const found = await documents.get(key);
        if (between) {
          between = false;
          await registerOf().setPolicy(id, { Statement: { Effect: 'Deny', Action: '*', Resource: '*' } });
        }
        return found;
      },
      write: (writes) => documents.write(writes),
      list: (prefix, options) => documents.list(prefix, options),
      watch: (prefix, changed) => documents.watch(prefix, changed),
    };
    expect(await new AccessKeyRegister(busy, open, () => createdAtMs).revoke(id)).toMatchObject({
      ok: true,
      value: { revokedAtMs: createdAtMs, policy: { Statement: { Effect: 'Deny' } } },
    });
  });

  it('tells of documents that it cannot read', async () => {
    const id = 'BROKEN';
    await documents.write([{ key: documentKeyOf(id), value: '{"account":"1"}', expected: 'any' }]);
    const problem = 'it has no account of twelve digits';
    expect((await registerOf().list()).unreadable).toEqual([{ id, problem }]);
    expect(await registerOf().describe(id)).toEqual({ ok: false, refusal: { code: 'invalidAccessKey', problem } });
    expect(await registerOf().remove(id)).toEqual({ ok: true, value: undefined });
  });
});

describe('secrets at rest', () => {
  const place = documentKeyOf('AKIAEXAMPLE');
  const sealing = new SecretSealing([masterKey]);

  it('are encrypted where there is a master key', async () => {
    const { id, secret } = await created(registerOf(sealing));
    expect((await documents.get(documentKeyOf(id)))?.value).not.toContain(secret);
    expect(await registerOf(sealing).describe(id)).toMatchObject({ ok: true, value: { encrypted: true } });
    const known = await KnownAccessKeys.open(documents, sealing);
    expect(known.find(id)?.secret).toBe(secret);
    await known.close();
    const without = await KnownAccessKeys.open(documents, open);
    expect(without.find(id)).toBeUndefined();
    await without.close();
  });

  it('open with every master key that is given, and are sealed with the first', () => {
    const old = sealing.seal(place, 'secret');
    const both = new SecretSealing([otherKey, masterKey]);
    expect(both.open(place, old)).toBe('secret');
    const renewed = both.seal(place, 'secret');
    expect(sealing.open(place, renewed)).toBeUndefined();
    expect(new SecretSealing([otherKey]).open(place, renewed)).toBe('secret');
    expect(sealing.open(place, { plain: 'secret' })).toBe('secret');
  });

  it('are sealed anew after a change of master keys', async () => {
    const plain = await created(registerOf(open));
    const old = await created(registerOf(sealing));
    const lost = await created(registerOf(new SecretSealing([Buffer.alloc(32, 3)])));
    const { id: revoked } = await created(registerOf(sealing));
    await registerOf().revoke(revoked);
    const both = new SecretSealing([otherKey, masterKey]);
    const outcome = await registerOf(both).reseal();
    expect(outcome.resealed).toEqual(expect.arrayContaining([plain.id, old.id]));
    expect(outcome.resealed).not.toContain(revoked);
    expect(outcome.unopened).toEqual([lost.id]);
    const known = await KnownAccessKeys.open(documents, new SecretSealing([otherKey]));
    for (const { id, secret } of [plain, old]) expect(known.find(id)?.secret).toBe(secret);
    await known.close();
    expect(await registerOf(both).reseal()).toEqual({ resealed: [], unopened: [lost.id] });
  });

  it('are never sealed to the same text twice', () => {
    expect(sealing.seal(place, 'secret')).not.toEqual(sealing.seal(place, 'secret'));
  });

  it.each<[string, (stored: { sealed: string; masterKey: string }) => StoredSecret, string]>([
    ['in another place', (stored) => stored, documentKeyOf('ANOTHER')],
    ['changed', (stored) => ({ ...stored, sealed: changed(stored.sealed) }), place],
    ['cut off', (stored) => ({ ...stored, sealed: stored.sealed.slice(0, 16) }), place],
    ['under a master key that is not there', (stored) => ({ ...stored, masterKey: 'x' }), place],
  ])('do not open %s', (_what, change, where) => {
    const stored = sealing.seal(place, 'secret') as { sealed: string; masterKey: string };
    expect(sealing.open(place, stored)).toBe('secret');
    expect(sealing.open(where, change(stored))).toBeUndefined();
  });

  function changed(base64: string): string {
    const bytes = Buffer.from(base64, 'base64');
    bytes[14] = (bytes[14] as number) ^ 1;
    return bytes.toString('base64');
  }

  it('take a master key of 32 bytes', () => {
    expect(parseMasterKey('01'.repeat(32))).toEqual(masterKey);
    expect(parseMasterKey(masterKey.toString('base64'))).toEqual(masterKey);
    for (const wrong of ['', 'secret', '01'.repeat(31), Buffer.alloc(33).toString('base64')]) {
      expect(parseMasterKey(wrong)).toBeUndefined();
    }
    expect(() => new SecretSealing([Buffer.alloc(16)])).toThrow('a master key of 16 bytes; 32');
  });
});

describe('the keys that a process knows', () => {
  /** A revocation must count everywhere within a second. */
  const soon = { timeoutMs: 1_000 };

  it('are those that are there, with what their bearers may do', async () => {
    const { id, secret } = await created();
    const known = await KnownAccessKeys.open(documents, open);
    expect(known.find(id)).toEqual({
      secret,
      identity: {
        accessKeyId: id,
        account,
        userName: 'alice',
        arn: `arn:aws:iam::${account}:user/alice`,
        policies: [expect.objectContaining({ kind: 'identity', document: FULL_ACCESS })],
      },
    });
    expect(known.find('nobody')).toBeUndefined();
    await known.close();
  });

  it('follow changes: made, changed, revoked, removed', async () => {
    const known = await KnownAccessKeys.open(documents, open);
    const register = registerOf();
    const { id } = await created(register);
    await eventually(() => known.find(id) !== undefined, soon);
    const policy = { Statement: { Effect: 'Allow', Action: 'kinesis:Get*', Resource: '*' } };
    await register.setPolicy(id, policy);
    await eventually(() => expect(known.find(id)?.identity.policies[0]?.document).toEqual(policy), soon);
    await register.revoke(id);
    await eventually(() => known.find(id) === undefined, soon);
    const { id: another } = await created(register);
    await eventually(() => known.find(another) !== undefined, soon);
    await documents.write([{ key: documentKeyOf(another), value: undefined, expected: 'any' }]);
    await eventually(() => known.find(another) === undefined, soon);
    await known.close();
  });

  it('lack a revoked one even if its secret came back', async () => {
    const { id } = await created();
    const key = documentKeyOf(id);
    const known = await KnownAccessKeys.open(documents, open);
    expect(known.find(id)).toBeDefined();
    const before = JSON.parse((await documents.get(key))?.value ?? '{}') as object;
    await documents.write([{ key, value: JSON.stringify({ ...before, revokedAtMs: 1 }), expected: 'any' }]);
    await eventually(() => known.find(id) === undefined, soon);
    await known.close();
  });

  it('do not follow any more once closed', async () => {
    const known = await KnownAccessKeys.open(documents, open);
    await known.close();
    const { id } = await created();
    const other = await KnownAccessKeys.open(documents, open);
    expect(other.find(id)).toBeDefined();
    expect(known.find(id)).toBeUndefined();
    await other.close();
  });

  it('lack those that cannot be read, and have the rest', async () => {
    const { id } = await created();
    await documents.write([{ key: documentKeyOf('BROKEN'), value: 'x', expected: 'any' }]);
    const known = await KnownAccessKeys.open(documents, open);
    expect(known.find('BROKEN')).toBeUndefined();
    expect(known.find(id)).toBeDefined();
    await known.close();
    await documents.write([{ key: documentKeyOf('BROKEN'), value: undefined, expected: 'any' }]);
  });

  /** The documents, which can be away, and whose watch is called by the test. */
  function unsteady() {
    let tell: (key: string | undefined) => void = () => undefined;
    const state = { away: false, reads: 0 };
    const read = <T>(answer: () => Promise<T>): Promise<T> => {
      state.reads++;
      return state.away ? Promise.reject(new StoreUnavailable('away')) : answer();
    };
    const away: Documents = {
      get: (key) => read(() => documents.get(key)),
      list: (prefix, options) => read(() => documents.list(prefix, options)),
      write: (writes) => documents.write(writes),
      watch: (_prefix, changed) => {
        tell = changed;
        return Promise.resolve(() => undefined);
      },
    };
    return { documents: away, state, tell: (key: string | undefined) => tell(key) };
  }

  it.each([
    ['of one key', (id: string) => documentKeyOf(id)],
    ['of whatever', () => undefined],
  ])('catch up with a change %s after the store was away', async (_what, told) => {
    const { id } = await created();
    const { documents: away, state, tell } = unsteady();
    const known = await KnownAccessKeys.open(away, open);
    await registerOf().revoke(id);
    state.away = true;
    const readsBefore = state.reads;
    tell(told(id));
    await eventually(() => state.reads > readsBefore);
    expect(known.find(id)).toBeDefined();
    state.away = false;
    await eventually(() => known.find(id) === undefined, soon);
    await known.close();
  });

  it('forget those that went while the watch was lost', async () => {
    const { id } = await created();
    const { documents: away, tell } = unsteady();
    const known = await KnownAccessKeys.open(away, open);
    await documents.write([{ key: documentKeyOf(id), value: undefined, expected: 'any' }]);
    expect(known.find(id)).toBeDefined();
    tell(undefined);
    await eventually(() => known.find(id) === undefined, soon);
    await known.close();
  });

  it('close at once while the store is away, and cannot be opened then', async () => {
    const { documents: away, state, tell } = unsteady();
    const known = await KnownAccessKeys.open(away, open);
    state.away = true;
    tell(undefined);
    await known.close();
    await expect(KnownAccessKeys.open(away, open)).rejects.toThrow(StoreUnavailable);
  });
});
