import type { Isolation } from '@tailrace/shard-core';
import { FollowedConfigs, type FollowedConfigsOptions } from '../groups/followed-configs.ts';
import type { ConfigMap } from '../topics/configs/config-resource.ts';
import { groupConfigs } from '../topics/configs/group-configs.ts';

/** How a share group behaves: Kafka's `share.*` settings of groups. */
export interface ShareGroupSettings {
  /** Where it begins in a partition that it has never read: `earliest`, `latest` or `by_duration:PT1H`. */
  readonly autoOffsetReset: string;
  /** After so many deliveries a record is given up. */
  readonly deliveryCountMax: number;
  readonly heartbeatIntervalMs: number;
  readonly sessionTimeoutMs: number;
  readonly isolation: Isolation;
  /** Records of one partition from the first that is not done to the last that was handed out. */
  readonly recordLocksMax: number;
  /** For how long a record is a member's. */
  readonly lockDurationMs: number;
  /** Whether a member may lock records anew. */
  readonly mayRenew: boolean;
}

type SettingName = Extract<keyof typeof groupConfigs, `share.${string}`>;

function settingsOf(configs: ConfigMap, pace: Pick<ShareGroupSettings, 'heartbeatIntervalMs' | 'sessionTimeoutMs'>) {
  const text = (name: SettingName): string => configs[name] ?? String(groupConfigs[name].default);
  const ms = (name: SettingName, fallback: number) => (configs[name] === undefined ? fallback : Number(configs[name]));
  return {
    autoOffsetReset: text('share.auto.offset.reset'),
    deliveryCountMax: Number(text('share.delivery.count.limit')),
    heartbeatIntervalMs: ms('share.heartbeat.interval.ms', pace.heartbeatIntervalMs),
    sessionTimeoutMs: ms('share.session.timeout.ms', pace.sessionTimeoutMs),
    isolation: text('share.isolation.level') === 'read_committed' ? 'readCommitted' : 'readUncommitted',
    recordLocksMax: Number(text('share.partition.max.record.locks')),
    lockDurationMs: Number(text('share.record.lock.duration.ms')),
    mayRenew: text('share.renew.acknowledge.enable') === 'true',
  } as const satisfies ShareGroupSettings;
}

export interface ShareGroupPace {
  readonly heartbeatIntervalMs: number;
  readonly sessionTimeoutMs: number;
}

/** How each share group behaves: by Kafka's defaults, but for groups for which somebody has set something else. */
export class ShareGroupConfigs extends FollowedConfigs<ShareGroupSettings> {
  constructor(options: Omit<FollowedConfigsOptions<ShareGroupSettings>, 'read' | 'defaults'>, pace: ShareGroupPace) {
    super({
      ...options,
      defaults: settingsOf({}, pace),
      read: (configs) =>
        Object.keys(configs).some((name) => name.startsWith('share.')) ? settingsOf(configs, pace) : undefined,
    });
  }
}

const DURATION = /^([-+]?)P(?:([-+]?\d+)D)?(?:T(?:([-+]?\d+)H)?(?:([-+]?\d+)M)?(?:([-+]?\d+(?:\.\d{0,9})?)S)?)?$/i;

/** Milliseconds of a duration as `PT1H30M`; `undefined` where it is none. */
export function parseDurationMs(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null || !/\d/.test(text) || /T$/i.test(text)) return undefined;
  const [, sign, days = '0', hours = '0', minutes = '0', seconds = '0'] = match;
  const ms = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60_000 + Number(seconds) * 1_000;
  return sign === '-' ? -ms : ms;
}
