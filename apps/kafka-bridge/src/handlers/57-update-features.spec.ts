import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { apiVersionsApi, errorName, updateFeaturesApi } from '@tailrace/kafka-protocol';
import { type DoorUnderTest, openDoorUnderTest } from '../testing/door-under-test.ts';
import type { WireClient } from '../testing/wire-client.ts';
import { type Feature, features } from './features.ts';

let under: DoorUnderTest;
let client: WireClient;
beforeAll(async () => {
  under = await openDoorUnderTest();
  client = await under.connect();
});
afterAll(async () => {
  client.close();
  await under.close();
});

async function update(feature: string, maxVersionLevel: number, upgradeType = 1, version = 2) {
  const featureUpdates = [{ feature, maxVersionLevel, allowDowngrade: false, upgradeType }];
  const answer = await client.request(updateFeaturesApi, version, { featureUpdates, validateOnly: true });
  return { error: errorName(answer.errorCode), message: answer.errorMessage, results: answer.results };
}

const [{ name, level, minVersion, maxVersion }] = features as unknown as [Feature];
const begin = 'The update failed for all features since the following feature had an error: Invalid update version';

describe('UpdateFeatures', () => {
  it('finds every feature of ApiVersions at its level', async () => {
    const told = await client.request(apiVersionsApi, 4, { clientSoftwareName: 'spec', clientSoftwareVersion: '1' });
    for (const { name: feature, maxVersionLevel } of told.finalizedFeatures) {
      expect(await update(feature, maxVersionLevel)).toEqual({ error: 'NONE', message: null, results: [] });
    }
    expect(told.finalizedFeatures.length).toBe(features.length);
  });

  it('answers by feature in versions 0 and 1', async () => {
    const { results } = await update(name, level, 1, 1);
    expect(results).toEqual([{ feature: name, errorCode: 0, errorMessage: 'NONE' }]);
  });

  it.each<[string, string, number, number, string]>([
    [
      'a feature that nobody knows',
      'no.such',
      1,
      1,
      `${begin} 1 for feature no.such. Local controller does not support this feature.`,
    ],
    [
      'a level above',
      name,
      maxVersion + 1,
      1,
      `${begin} ${maxVersion + 1} for feature ${name}. Local controller only supports versions ${minVersion}-${maxVersion}`,
    ],
    [
      'a level below, as an upgrade',
      name,
      level - 1,
      1,
      `${begin} ${level - 1} for feature ${name}. Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.`,
    ],
    [
      'a level below',
      name,
      level - 1,
      2,
      `${begin} ${level - 1} for feature ${name}. Levels are those of this release, which has level ${level}.`,
    ],
    [
      'a kind of update that is none',
      name,
      level,
      9,
      `${begin} ${level} for feature ${name}. The controller does not support the given upgrade type.`,
    ],
  ])('refuses %s', async (_, feature, wanted, upgradeType, message) => {
    // prettier-ignore
    expect(await update(feature, wanted, upgradeType)).toEqual({
      error: 'INVALID_UPDATE_VERSION',
      message,
      results: [],
    });
  });
});
