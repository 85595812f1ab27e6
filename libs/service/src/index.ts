export { isLoopback } from './loopback.ts';
export { describeFailure, listening, ReadableFailure } from './readable-failure.ts';
export { type RunningService, runService } from './run-service.ts';
export {
  BadSettings,
  describeSettings,
  homeOf,
  httpHost,
  kafkaHost,
  placeOfRecords,
  readSettings,
  SETTINGS,
  type Settings,
  type SettingsRead,
} from './settings.ts';
export { type Foundation, type FoundationOptions, openFoundation } from './foundation.ts';
export { ServerTls, TLS_RELOAD_INTERVAL_MS, type TlsDoor, type TlsFiles } from './tls/server-tls.ts';
export { beginsTls } from './tls/tls-failure.ts';
