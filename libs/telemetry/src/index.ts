export * from './attributes.ts';
export {
  activeSpan,
  discardSpan,
  failSpan,
  offSpan,
  runInSpan,
  spanKinds,
  startSpan,
  tracing,
  withActiveSpan,
  withSpan,
} from './tracing.ts';
export type { SpanParent, SpanStart, Tracing } from './tracing.ts';
export * from './trace-parent.ts';
export * from './http-border.ts';
export * from './kafka-border.ts';
export * from './log-border.ts';
export * from './script-border.ts';
export * from './metrics.ts';
export * from './logger.ts';
export { SHUTDOWN_TIMEOUT_MS, startTelemetry } from './start-telemetry.ts';
export type { Telemetry, TelemetryOptions } from './start-telemetry.ts';
export { TelemetrySettingError, TRACE_VARIABLES, tracesAreAskedFor } from './trace-settings.ts';
export type { Environment } from './trace-settings.ts';
export { MetricsServerError, startMetricsServer } from './metrics-server.ts';
export type { MetricsServer, MetricsServerOptions } from './metrics-server.ts';
