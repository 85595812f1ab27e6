import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as attributes from './attributes.ts';

const entry = createRequire(import.meta.url).resolve('@opentelemetry/semantic-conventions');
const declarations = ['stable_attributes', 'experimental_attributes'].map((file) =>
  readFileSync(join(dirname(entry), `${file}.d.cts`), 'utf8'),
);

/** The doc comment of an attribute in the published package, where its deprecation is noted. */
function published(name: string): string | undefined {
  for (const text of declarations) {
    const at = text.search(new RegExp(`declare const ATTR_[A-Z0-9_]+: "${name.replaceAll('.', '\\.')}";`));
    if (at !== -1) return text.slice(text.lastIndexOf('/**', at), at);
  }
  return undefined;
}

const { SEMCONV_VERSION, SEMCONV_SCHEMA_URL, MESSAGING_SYSTEM_KAFKA, MESSAGING_SYSTEM_KINESIS, ...names } = attributes;
const conventional = Object.values(names).filter((name) => !name.startsWith('tailrace.'));

describe('attribute names', () => {
  it.each(conventional)('%s is in the published conventions and not deprecated', (name) => {
    const comment = published(name);
    expect(comment).toContain('/**');
    expect(comment).not.toContain('@deprecated');
  });

  it('are those of the version that they name', () => {
    const manifest = JSON.parse(readFileSync(join(dirname(entry), '../package.json'), 'utf8')) as { version: string };
    expect(manifest.version).toBe(SEMCONV_VERSION);
    expect(SEMCONV_SCHEMA_URL).toBe('https://opentelemetry.io/schemas/1.45.0');
    expect(published('messaging.system')).toContain('@deprecated');
    expect([MESSAGING_SYSTEM_KAFKA, MESSAGING_SYSTEM_KINESIS]).toEqual(['kafka', 'aws.kinesis']);
  });
});
