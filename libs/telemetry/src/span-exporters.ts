import { createRequire } from 'node:module';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { OtlpSettings } from './trace-settings.ts';

type GrpcExporterModule = typeof import('@opentelemetry/exporter-trace-otlp-grpc');

/** Loads the exporter of the protocol and that one only: gRPC alone brings 60 modules. */
export async function otlpExporter(otlp: OtlpSettings): Promise<SpanExporter> {
  const shared = {
    url: otlp.url,
    timeoutMillis: otlp.timeoutMs,
    // The library's enumeration, without loading it: its values are these words.
    compression: (otlp.gzip ? 'gzip' : 'none') as never,
  };
  switch (otlp.protocol) {
    case 'http/json': {
      const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
      return new OTLPTraceExporter({ ...shared, headers: otlp.headers });
    }
    case 'http/protobuf': {
      const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto');
      return new OTLPTraceExporter({ ...shared, headers: otlp.headers });
    }
    case 'grpc': {
      // Required and not imported, so that a bundler leaves it in node_modules: the exporter requires its own copy of
      // grpc-js at run time, and objects of a bundled second copy are refused by the first.
      const load = createRequire(import.meta.url);
      const { OTLPTraceExporter } = load('@opentelemetry/exporter-trace-otlp-grpc') as GrpcExporterModule;
      const { Metadata } = load('@grpc/grpc-js') as typeof import('@grpc/grpc-js');
      const metadata = new Metadata();
      for (const [key, value] of Object.entries(otlp.headers)) metadata.set(key, value);
      return new OTLPTraceExporter({ ...shared, metadata });
    }
  }
}
