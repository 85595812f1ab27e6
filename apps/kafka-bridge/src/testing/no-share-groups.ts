import type { ShareGroupsBehind } from '../groups/group-coordinator.ts';

/** What stands behind share groups, for specs of other groups. */
export const noShareGroups: ShareGroupsBehind = {
  settings: {
    of: () => {
      throw new Error('no share group has settings here');
    },
  },
  forgetStates: () => Promise.resolve(),
  sweepStates: () => Promise.resolve(),
};
