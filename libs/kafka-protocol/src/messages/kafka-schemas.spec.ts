import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { type Field, type Fields, isCarried, isNullable, isTagged } from '../codec/field.ts';
import type { Message } from '../codec/message.ts';
import { errorCodes, retriableErrors } from '../error-codes.ts';
import { defaultOf } from '../testing/generate-value.ts';
import { requestHeader, responseHeader } from '../headers.ts';
import { consumerProtocolAssignment } from './consumer-protocol-assignment.ts';
import { consumerProtocolSubscription } from './consumer-protocol-subscription.ts';
import { apis } from './index.ts';

/**
 * Every declaration against the schemas from which Apache Kafka generates its own codec, field by field and version by
 * version. The schemas are no part of this repository: where they do not lie beside the checkout, this is skipped.
 */
const folder = findSchemas();
const suite = folder === undefined ? describe.skip : describe;
const title =
  folder === undefined ? 'Kafka schemas: SKIPPED, no shared/kafka-messages beside the checkout' : 'Kafka schemas';

interface SchemaField {
  readonly name: string;
  readonly type: string;
  readonly versions: string;
  readonly nullableVersions?: string;
  readonly tag?: number;
  readonly taggedVersions?: string;
  readonly default?: string | number | boolean;
  readonly ignorable?: boolean;
  readonly flexibleVersions?: string;
  readonly fields?: readonly SchemaField[];
}

interface Schema {
  readonly name: string;
  readonly apiKey?: number;
  readonly validVersions: string;
  readonly flexibleVersions: string;
  readonly latestVersionUnstable?: boolean;
  readonly fields: readonly SchemaField[];
  readonly commonStructs?: readonly { readonly name: string; readonly fields: readonly SchemaField[] }[];
}

/** What one version has on the wire, or what stands for it there. */
interface Row {
  readonly path: string;
  readonly type: string;
  readonly carried: boolean;
  readonly nullable: boolean;
  readonly tag: number | undefined;
  readonly default: unknown;
  readonly ignorable: boolean;
}

suite(title, () => {
  const declarations: readonly Message[] = [
    ...apis.flatMap(({ request, response }): Message[] => [request, response]),
    consumerProtocolSubscription,
    consumerProtocolAssignment,
  ];

  it.each(declarations.map((declaration) => [declaration.name, declaration] as const))(
    '%s has the fields of its schema',
    (name, declaration) => {
      const schema = readSchema(name);
      const [first, last] = rangeOf(schema.validVersions);
      const [flexibleFrom] = rangeOf(schema.flexibleVersions);
      expect({
        name: declaration.name,
        key: declaration.key,
        versions: declaration.versions,
        flexibleFrom: declaration.flexibleFrom,
      }).toEqual({
        name: schema.name,
        key: schema.apiKey,
        versions: [first, last],
        flexibleFrom: schema.flexibleVersions === 'none' ? undefined : flexibleFrom,
      });
      for (let version = first; version <= last; version++) {
        const declared: Row[] = [];
        rowsOfDeclaration(declaration.fields, version, '', declared);
        const wanted: Row[] = [];
        rowsOfSchema(schema.fields, schema, version, '', wanted);
        expect(declared).toEqual(wanted);
      }
    },
  );

  it('the headers have the fields of their schemas', () => {
    const request: Row[] = [];
    rowsOfDeclaration(requestHeader.fields, 1, '', request);
    const wanted: Row[] = [];
    const schema = readSchema('RequestHeader');
    rowsOfSchema(schema.fields, schema, 1, '', wanted);
    // The schema of today no longer knows the header without a client id, and so has no default for it.
    expect(request.map(({ path, type, nullable }) => ({ path, type, nullable }))).toEqual(
      wanted.map(({ path, type, nullable }) => ({ path, type, nullable })),
    );
    expect(schema.fields.at(-1)).toMatchObject({ name: 'ClientId', flexibleVersions: 'none' });
    expect(readSchema('ResponseHeader').fields.map(({ name, type }) => [name, type])).toEqual([
      ['CorrelationId', 'int32'],
    ]);
    expect(responseHeader.flexibleFrom).toBe(rangeOf(readSchema('ResponseHeader').flexibleVersions)[0]);
  });

  it('the versions are those of the table of keys', () => {
    const { apis: table } = JSON.parse(readFileSync(join(folder as string, 'api-keys.json'), 'utf8')) as {
      apis: { key: number; name: string; validVersions: string; latestVersionUnstable: boolean }[];
    };
    for (const api of apis) {
      const row = table.find(({ key }) => key === api.key);
      expect(row?.name).toBe(api.name);
      const [first, last] = rangeOf(row!.validVersions);
      expect(api.versions).toEqual([first, last]);
      expect(api.advertised).toEqual([api.key === 0 ? 0 : first, row!.latestVersionUnstable ? last - 1 : last]);
    }
  });

  it('the error codes are those of Kafka, all of them', () => {
    const { errors } = JSON.parse(readFileSync(join(folder as string, 'error-codes.json'), 'utf8')) as {
      errors: { code: number; name: string; retriable: boolean }[];
    };
    expect(errorCodes).toEqual(Object.fromEntries(errors.map(({ name, code }) => [name, code])));
    expect([...retriableErrors]).toEqual(errors.filter(({ retriable }) => retriable).map(({ code }) => code));
  });
});

function findSchemas(): string | undefined {
  for (let at = dirname(fileURLToPath(import.meta.url)); dirname(at) !== at; at = dirname(at)) {
    if (!existsSync(join(at, 'package-lock.json'))) continue;
    const beside = join(at, '..', 'shared', 'kafka-messages');
    return existsSync(beside) ? beside : undefined;
  }
  return undefined;
}

/** JSON with `//` comments. */
function readSchema(name: string): Schema {
  const text = readFileSync(join(folder as string, '4.3.1', 'common', `${name}.json`), 'utf8');
  return JSON.parse(
    text.replace(/("(?:[^"\\]|\\.)*")|\/\/[^\n]*/g, (_all, quoted: string | undefined) => quoted ?? ''),
  ) as Schema;
}

function rangeOf(versions: string): [first: number, last: number] {
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(versions);
  if (match === null) return [Infinity, -Infinity];
  const first = Number(match[1]);
  return [first, match[2] !== undefined ? Infinity : match[3] === undefined ? first : Number(match[3])];
}

function isIn(version: number, versions: string | undefined): boolean {
  if (versions === undefined) return false;
  const [first, last] = rangeOf(versions);
  return version >= first && version <= last;
}

function rowsOfSchema(
  fields: readonly SchemaField[],
  schema: Schema,
  version: number,
  path: string,
  rows: Row[],
): void {
  for (const field of fields) {
    const here = `${path}${field.name.charAt(0).toLowerCase()}${field.name.slice(1)}`;
    const isArray = field.type.startsWith('[]');
    const base = isArray ? field.type.slice(2) : field.type;
    const members = field.fields ?? schema.commonStructs?.find(({ name }) => name === base)?.fields;
    const carried = isIn(version, field.versions);
    const tagged = carried && isIn(version, field.taggedVersions);
    rows.push({
      path: here,
      type: `${isArray ? '[]' : ''}${members === undefined ? base : 'struct'}`,
      carried,
      nullable: carried && isIn(version, field.nullableVersions),
      tag: tagged ? field.tag : undefined,
      default:
        members !== undefined && !isArray && field.default === undefined
          ? 'defaults of its members'
          : schemaDefault(field, isArray ? 'array' : base),
      ignorable: field.ignorable ?? false,
    });
    if (members !== undefined && carried) rowsOfSchema(members, schema, version, `${here}.`, rows);
  }
}

function schemaDefault(field: SchemaField, type: string): unknown {
  const given = field.default;
  if (given === 'null') return null;
  if (type === 'array') return [];
  if (type === 'string') return given ?? '';
  if (type === 'bool') return given === true || given === 'true';
  if (type === 'int64') return BigInt(given === undefined || given === '' ? 0 : String(given));
  if (type === 'uuid') return Buffer.alloc(16).toString('base64url');
  if (type === 'bytes' || type === 'records') return Buffer.alloc(0);
  return Number(given ?? 0);
}

function rowsOfDeclaration(fields: Fields, version: number, path: string, rows: Row[]): void {
  for (const [name, field] of Object.entries(fields)) {
    const here = `${path}${name}`;
    const carried = isCarried(field, version);
    const members = field.fields ?? field.element?.fields;
    rows.push({
      path: here,
      type: typeOf(field),
      carried,
      nullable: carried && isNullable(field, version),
      tag: isTagged(field, version) ? field.options.tag : undefined,
      default:
        field.kind === 'struct' && field.options.default === undefined ? 'defaults of its members' : defaultOf(field),
      ignorable: field.options.ignorable ?? false,
    });
    if (members !== undefined && carried) rowsOfDeclaration(members, version, `${here}.`, rows);
  }
}

function typeOf(field: Field): string {
  return field.kind === 'array' ? `[]${(field.element as Field).kind}` : field.kind;
}
