import { createRequire } from 'node:module';
import type { BuildOptions } from 'esbuild';

/** Native addons: found in node_modules when the program runs. Everything else is in the bundle. */
const nativePackages = ['@node-rs/crc32', 'snappy', 'lz4-napi'];

/** How the programs are bundled; a test bundles a program of its own in the same way. */
export const bundleOptions = {
  outExtension: { '.js': '.mjs' },
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node26',
  sourcemap: true,
  external: nativePackages,
  alias: {
    // As an ES module, this one imports grpc-js and requires it as well at run time: one copy would be in the bundle and
    // another in node_modules, and the first refuses objects of the second. As CommonJS it requires a single one.
    '@opentelemetry/otlp-grpc-exporter-base': createRequire(import.meta.url).resolve(
      '@opentelemetry/otlp-grpc-exporter-base',
    ),
  },
  // Packages that are still CommonJS call `require` for node's own modules.
  banner: {
    js: "import { createRequire as createRequireForBundle } from 'node:module';\nconst require = createRequireForBundle(import.meta.url);",
  },
  logLevel: 'warning',
} satisfies BuildOptions;
