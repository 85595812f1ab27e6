import { array, bool, int16, int32, int8, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Raise or lower the levels of the cluster's features (KIP-584). */
export const updateFeaturesRequest = message({
  name: 'UpdateFeaturesRequest',
  key: 57,
  versions: [0, 2],
  flexibleFrom: 0,
  fields: {
    /** How long the operation may take. */
    timeoutMs: int32({ default: 60_000 }),
    featureUpdates: array(
      struct({
        feature: string(),
        /** Below 1 takes the feature away. */
        maxVersionLevel: int16(),
        allowDowngrade: bool({ until: 0 }),
        /** 1 upgrade, 2 downgrade without loss, 3 any downgrade. */
        upgradeType: int8({ since: 1, default: 1 }),
      }),
    ),
    /** Check, but do nothing. */
    validateOnly: bool({ since: 1, default: false }),
  },
});

/** Which features have their new level. */
export const updateFeaturesResponse = message({
  name: 'UpdateFeaturesResponse',
  key: 57,
  versions: [0, 2],
  flexibleFrom: 0,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
    /** From version 2 on, there is one outcome for all. */
    results: array(
      struct({
        feature: string(),
        errorCode: int16(),
        errorMessage: nullableString(),
      }),
      { until: 1, ignorable: true },
    ),
  },
});

export const updateFeaturesApi = api(updateFeaturesRequest, updateFeaturesResponse);
export type UpdateFeaturesRequest = Of<typeof updateFeaturesRequest>;
export type UpdateFeaturesResponse = Draft<typeof updateFeaturesResponse>;
