import type { Caller } from './caller.ts';

export interface StreamArnParts extends Caller {
  readonly streamName: string;
}

export function streamArn({ region, account }: Caller, streamName: string): string {
  return `arn:aws:kinesis:${region}:${account}:stream/${streamName}`;
}

/** Takes `arn:aws:kinesis:<region>:<account>:stream/<name>` apart; `undefined` if it is none. */
export function parseStreamArn(arn: string): StreamArnParts | undefined {
  const parts = /^arn:aws[a-z-]{0,16}:kinesis:([a-zA-Z0-9-]{1,32}):(\d{12}):stream\/([a-zA-Z0-9_.-]{1,249})$/.exec(arn);
  if (parts === null) return undefined;
  const [, region, account, streamName] = parts as unknown as [string, string, string, string];
  return { region, account, streamName };
}
