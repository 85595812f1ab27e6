import { maxRecordSizeInKiB, streamArn } from '../members.ts';
import { operation } from '../operation.ts';
import { required } from '../wire/shapes.ts';

/**
 * UpdateMaxRecordSize: how large the data of one record of a stream may be, from 1 MiB to 10 MiB.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateMaxRecordSize.html
 * 1 ValidationException  2 InvalidArgumentException (no stream named)  3 ResourceNotFoundException
 * 4 ResourceInUseException
 */
export const updateMaxRecordSize = operation({
  name: 'UpdateMaxRecordSize',
  input: { MaxRecordSizeInKiB: required(maxRecordSizeInKiB), StreamARN: streamArn },
  async run(input, { streams }) {
    await streams.change(input, (document) => ({ ...document, recordKiBMax: input.MaxRecordSizeInKiB })); // 2, 3, 4
    return undefined;
  },
});
