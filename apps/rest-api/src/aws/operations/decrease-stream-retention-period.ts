import { invalidArgument } from '../aws-error.ts';
import { streamArn, streamName } from '../members.ts';
import { operation } from '../operation.ts';
import { checkRetentionHours, retentionHoursOf, withRetention } from '../retention-hours.ts';
import { integer, required } from '../wire/shapes.ts';

/**
 * DecreaseStreamRetentionPeriod: keeps a stream's records less long; older ones go with the next sweep.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DecreaseStreamRetentionPeriod.html
 * 1 ValidationException  2 InvalidArgumentException (no stream named)  3 ResourceNotFoundException
 * 4 ResourceInUseException  5 InvalidArgumentException (below 24 or above 8,760 hours)
 * 6 InvalidArgumentException (longer than it is); the same again is no fault
 */
export const decreaseStreamRetentionPeriod = operation({
  name: 'DecreaseStreamRetentionPeriod',
  input: { RetentionPeriodHours: required(integer()), StreamName: streamName, StreamARN: streamArn },
  async run(input, { streams }) {
    const hours = input.RetentionPeriodHours;
    const { streamName: name } = streams.nameOf(input); // 2
    await streams.change(input, (document, stream) => {
      checkRetentionHours(hours); // 5
      const existing = retentionHoursOf(stream);
      if (hours > existing) {
        throw invalidArgument(
          `Requested retention period (${hours} hours) for stream ${name} can not be longer than existing ` +
            `retention period (${existing} hours). Use IncreaseRetentionPeriod API.`,
        ); // 6
      }
      return hours === existing ? undefined : withRetention(document, hours);
    }); // 3, 4
    return undefined;
  },
});
