import { describeSettings } from '@tailrace/service';
import { COMMANDS } from './commands/index.ts';
import { VERSION } from './version.ts';

export function helpText(): string {
  const commands = Object.entries(COMMANDS)
    .map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`)
    .join('\n');
  return `tailrace ${VERSION}: one stream service for Kinesis and Kafka clients

Usage: tailrace COMMAND [OPTIONS]

${commands}
  --help     this text; after a command, what that command takes
  --version  the version

Settings are environment variables:

${describeSettings()}

  OTEL_*   Tracing, by the standard variables of OpenTelemetry: OTEL_TRACES_EXPORTER=otlp|console,
      OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL=grpc|http/protobuf|http/json,
      OTEL_TRACES_SAMPLER, … Off while none of them asks for it.
`;
}
