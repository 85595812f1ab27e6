import type { Api, Draft, Message, Of } from '@tailrace/kafka-protocol';
import type { Access, Verdict } from './access.ts';

/** What an operation needs, and what its answer looks like to those who may not. */
export interface AccessRule<Request extends Message = Message, Response extends Message = Message> {
  readonly api: Api<Request, Response>;
  /** In words, for the documentation. */
  readonly needs: string;
  /** Looks at a request before its handler does. Answers at once: requests keep their order. */
  judge(request: Of<Request>, access: Access): Verdict<Of<Request>, Draft<Response>>;
}

/** Declares a rule. The types of its message are checked here and forgotten behind it. */
export function accessRule<Request extends Message, Response extends Message>(
  rule: AccessRule<Request, Response>,
): AccessRule {
  return rule;
}
