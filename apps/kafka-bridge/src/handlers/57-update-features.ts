import { errorCodes, updateFeaturesApi, type UpdateFeaturesRequest } from '@tailrace/kafka-protocol';
import { features } from './features.ts';
import { handler } from './handler.ts';

type Update = UpdateFeaturesRequest['featureUpdates'][number];

/** Outcomes by feature are in the answer up to here. */
const RESULTS_UNTIL = 1;
/** Upgrade, downgrade without loss, any downgrade. */
const UPGRADE = 1;
const UPGRADE_TYPES: readonly number[] = [UPGRADE, 2, 3];

/**
 * UpdateFeatures: raise or lower the levels of features. They are what this release does and cannot be changed: an update to the
 * level that there is succeeds, any other fails, and then none is made.
 * Errors: INVALID_UPDATE_VERSION, with the first feature that cannot be updated and why.
 */
export const updateFeatures = handler({
  api: updateFeaturesApi,
  versions: updateFeaturesApi.advertised,
  run({ featureUpdates }, exchange) {
    const refused = featureUpdates.map(refuse).find((problem) => problem !== undefined);
    if (refused !== undefined) {
      exchange.noteError(errorCodes.INVALID_UPDATE_VERSION);
      const errorMessage = `The update failed for all features since the following feature had an error: ${refused}`;
      return { throttleTimeMs: 0, errorCode: errorCodes.INVALID_UPDATE_VERSION, errorMessage, results: [] };
    }
    const results = featureUpdates.map(({ feature }) => ({
      feature,
      errorCode: errorCodes.NONE,
      errorMessage: 'NONE',
    }));
    const { apiVersion } = exchange.header;
    return {
      throttleTimeMs: 0,
      errorCode: errorCodes.NONE,
      errorMessage: null,
      results: apiVersion <= RESULTS_UNTIL ? results : [],
    };
  },
});

/** Why a feature cannot have the level, in Kafka's words where Kafka has some. */
function refuse({ feature: name, maxVersionLevel: wanted, upgradeType }: Update): string | undefined {
  const begin = `Invalid update version ${wanted} for feature ${name}.`;
  const feature = features.find((one) => one.name === name);
  if (feature === undefined) return `${begin} Local controller does not support this feature.`;
  if (!UPGRADE_TYPES.includes(upgradeType)) return `${begin} The controller does not support the given upgrade type.`;
  const { minVersion, maxVersion, level } = feature;
  if (wanted < minVersion || wanted > maxVersion)
    return `${begin} Local controller only supports versions ${minVersion}-${maxVersion}`;
  if (wanted === level) return undefined;
  if (wanted < level && upgradeType === UPGRADE)
    return `${begin} Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.`;
  return `${begin} Levels are those of this release, which has level ${level}.`;
}
