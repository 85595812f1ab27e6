import type { OperationName } from '../../src/aws/operation-names.ts';

/**
 * Errors that the service model documents and no operation here has in its own list, and why. `everywhere`: they are not an
 * operation's own, and their specs are elsewhere.
 */
export const absentErrors: {
  readonly everywhere: Readonly<Record<string, string>>;
  readonly never: Readonly<Record<string, string>>;
  readonly unlessListed: Readonly<Record<string, string>>;
  readonly of: Partial<Readonly<Record<OperationName, Readonly<Record<string, string>>>>>;
} = {
  everywhere: {
    AccessDeniedException: 'With `TAILRACE_AUTH=sigv4`, of every operation, before its own errors.',
    InternalFailureException:
      'Of every operation while the store is away; outside of streams of events its name is `InternalFailure`.',
  },
  never: {
    KMSAccessDeniedException: 'Nobody is asked for keys over a network: a process has them, or has not.',
    KMSDisabledException: 'A key that a process has is in use; there is no way to turn it off.',
    KMSInvalidStateException: 'Keys have no states.',
    KMSOptInRequired: 'There is nothing to subscribe to.',
    KMSThrottlingException: 'Nothing is asked over a network.',
  },
  unlessListed: {
    LimitExceededException: 'The limit on how many management calls a second are taken does not exist here.',
  },
  of: {
    DeleteResourcePolicy: {
      ResourceInUseException: 'Policies of streams and consumers can be changed in any state.',
    },
    GetResourcePolicy: {
      ResourceInUseException: 'Policies of streams and consumers can be read in any state.',
    },
    PutResourcePolicy: {
      ResourceInUseException: 'Policies of streams and consumers can be changed in any state.',
    },
    GetShardIterator: {
      ProvisionedThroughputExceededException: 'Calls of GetShardIterator are not counted: they read nothing.',
    },
    ListShards: { ResourceInUseException: 'Shards can be listed in any state of the stream.' },
    ListStreamConsumers: { ResourceInUseException: 'Consumers can be listed in any state of the stream.' },
    ListTagsForResource: { ResourceInUseException: 'Tags can be listed in any state.' },
    UpdateAccountSettings: {
      InvalidArgumentException: 'There is one setting with two values, and either is right at any time.',
    },
  },
};
