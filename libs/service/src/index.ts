export { isLoopback } from './loopback.ts';
export { describeFailure, listening, ReadableFailure } from './readable-failure.ts';
export { type RunningService, runService } from './run-service.ts';
export {
  BadSettings,
  describeSettings,
  hostWithoutCredentials,
  readSettings,
  SETTINGS,
  type Settings,
  type SettingsRead,
} from './settings.ts';
export { type Foundation, type FoundationOptions, openFoundation } from './foundation.ts';
