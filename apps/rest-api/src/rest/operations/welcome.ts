import { z } from 'zod';
import { operation } from '../operation.ts';
import { noParameters } from '../query-schema.ts';

/** What a person gets who looks at the address: where things are, and examples to copy. */
export const welcome = operation({
  id: 'welcome',
  method: 'get',
  route: '/',
  tag: 'service',
  summary: 'Addresses and examples, for people',
  path: noParameters,
  query: noParameters,
  answers: {
    200: {
      description: 'A short page.',
      content: { 'text/plain': { schema: z.string() }, 'text/html': { schema: z.string() } },
    },
  },
  problems: [],
  run({ origin, header }, { version, kafkaAddress, store }) {
    const text = welcomeText({ origin, version, kafkaAddress, engine: store.engine });
    const headers = {
      Vary: 'Accept',
      'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    };
    if (!(header('accept') ?? '').includes('text/html')) {
      return { status: 200, headers, contentType: 'text/plain; charset=utf-8', text };
    }
    return { status: 200, headers, contentType: 'text/html; charset=utf-8', text: page(text) };
  },
});

interface WelcomeFacts {
  readonly origin: string;
  readonly version: string;
  readonly kafkaAddress: string | undefined;
  readonly engine: string;
}

function welcomeText({ origin, version, kafkaAddress, engine }: WelcomeFacts): string {
  return `Tailrace ${version} (${engine})

REST            ${origin}/v1/streams
OpenAPI 3.1     ${origin}/openapi.json
Health          ${origin}/health/ready
Kinesis         ${origin}/ (POST; any AWS client with this endpoint)
${kafkaAddress === undefined ? '' : `Kafka           ${kafkaAddress}\n`}
Make a stream, write a record, read it, follow the stream:

curl -sS ${origin}/v1/streams -H 'content-type: application/json' -d '{"name":"orders","shards":1}'
curl -sS ${origin}/v1/streams/orders/records -H 'content-type: application/json' -d '{"partitionKey":"a","data":"hello"}'
curl -sS '${origin}/v1/streams/orders/shards/0/records?from=earliest&as=text'
curl -sSN '${origin}/v1/streams/orders/events?from=earliest&as=text'

The same with the AWS CLI${kafkaAddress === undefined ? '' : ' and kcat'}:

aws --endpoint-url ${origin} --region us-east-1 kinesis list-streams
${kafkaAddress === undefined ? '' : `kcat -b ${kafkaAddress} -t orders -C -o beginning -e\n`}`;
}

function page(text: string): string {
  const body = escapeHtml(text).replace(
    /https?:\/\/[\w.:[\]-]+\/(v1\/streams|openapi\.json|health\/ready)$/gm,
    (url) => `<a href="${url}">${url}</a>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Tailrace</title>
<style>:root{color-scheme:light dark}body{margin:2rem auto;max-width:60rem;padding:0 1rem}pre{white-space:pre-wrap;line-height:1.5}</style>
<pre>${body}</pre>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
