import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { OtlpSettings } from './trace-settings.ts';

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
      const [{ OTLPTraceExporter }, grpc] = await Promise.all([
        import('@opentelemetry/exporter-trace-otlp-grpc'),
        import('@grpc/grpc-js'),
      ]);
      // By the default export: the package is CommonJS, and a bundler does not see its names.
      const metadata = new grpc.default.Metadata();
      for (const [key, value] of Object.entries(otlp.headers)) metadata.set(key, value);
      return new OTLPTraceExporter({ ...shared, metadata });
    }
  }
}
