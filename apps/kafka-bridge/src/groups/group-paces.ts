import { FollowedConfigs, type FollowedConfigsOptions } from './followed-configs.ts';

/** How fast a consumer group is to move. */
export interface GroupPace {
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
}

const SESSION_TIMEOUT = 'consumer.session.timeout.ms';
const HEARTBEAT_INTERVAL = 'consumer.heartbeat.interval.ms';

/** The pace of each group: the bridge's, but for groups for which somebody has set another by AlterConfigs. */
export class GroupPaces extends FollowedConfigs<GroupPace> {
  constructor(options: Omit<FollowedConfigsOptions<GroupPace>, 'read'>) {
    const { defaults } = options;
    super({
      ...options,
      read({ [SESSION_TIMEOUT]: session, [HEARTBEAT_INTERVAL]: heartbeat }) {
        if (session === undefined && heartbeat === undefined) return undefined;
        return {
          sessionTimeoutMs: session === undefined ? defaults.sessionTimeoutMs : Number(session),
          heartbeatIntervalMs: heartbeat === undefined ? defaults.heartbeatIntervalMs : Number(heartbeat),
        };
      },
    });
  }
}
