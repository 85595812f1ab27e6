export {
  type Address,
  createKafkaDoor,
  FRAME_BYTES_MAX,
  type KafkaDoor,
  type KafkaDoorDeps,
  type KafkaDoorOptions,
  MESSAGE_BYTES_MAX,
} from './door.ts';
export { securityFromSettings } from './security/from-settings.ts';
export type { SecurityOptions } from './security/security.ts';
