import { array, bool, int16, int32, int8, nullableArray, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** The settings of topics, brokers and groups. */
export const describeConfigsRequest = message({
  name: 'DescribeConfigsRequest',
  key: 32,
  versions: [1, 4],
  flexibleFrom: 4,
  fields: {
    resources: array(
      struct({
        /** 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group. */
        resourceType: int8(),
        resourceName: string(),
        /** Which settings; null asks for all. */
        configurationKeys: nullableArray(string()),
      }),
    ),
    includeSynonyms: bool({ default: false }),
    includeDocumentation: bool({ since: 3, default: false }),
  },
});

/** Each setting with its value and where that comes from. */
export const describeConfigsResponse = message({
  name: 'DescribeConfigsResponse',
  key: 32,
  versions: [1, 4],
  flexibleFrom: 4,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    results: array(
      struct({
        errorCode: int16(),
        errorMessage: nullableString(),
        /** 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group. */
        resourceType: int8(),
        resourceName: string(),
        configs: array(
          struct({
            name: string(),
            value: nullableString(),
            /** Cannot be changed by a client. */
            readOnly: bool(),
            /** Where the value comes from: 1 topic, 2 to 4 broker, 5 default; 8 group. */
            configSource: int8({ default: -1, ignorable: true }),
            /** A secret: the value is null. */
            isSensitive: bool(),
            /** All places that set it, the winning one first. */
            synonyms: array(
              struct({
                name: string(),
                value: nullableString(),
                /** As configSource. */
                source: int8(),
              }),
              { ignorable: true },
            ),
            /** 0 unknown, 1 boolean, 2 string, 3 int, 4 short, 5 long, 6 double, 7 list, 8 class, 9 password. */
            configType: int8({ since: 3, default: 0, ignorable: true }),
            documentation: nullableString({ since: 3, default: '', ignorable: true }),
          }),
        ),
      }),
    ),
  },
});

export const describeConfigsApi = api(describeConfigsRequest, describeConfigsResponse);
export type DescribeConfigsRequest = Of<typeof describeConfigsRequest>;
export type DescribeConfigsResponse = Draft<typeof describeConfigsResponse>;
