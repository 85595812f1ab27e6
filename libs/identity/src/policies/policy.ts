import { type CompiledPrincipals, compilePrincipals } from './principal.ts';
import { compileWildcard, type Matcher } from './wildcard.ts';

/**
 * Policies in AWS's language, as far as this service knows it.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 *
 * Known: Version, Id, Statement; in a statement Sid, Effect, Action or NotAction, Resource or NotResource, and in a resource's
 * policy Principal. Everything else (Condition, NotPrincipal, `${variables}`) is refused when the policy is read: a
 * restriction that is not understood must not be dropped in silence.
 */
export interface PolicyDocument {
  readonly Version?: '2012-10-17' | '2008-10-17';
  readonly Id?: string;
  readonly Statement: PolicyStatement | readonly PolicyStatement[];
}

export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: PolicyPrincipal;
  /** `kinesis:PutRecord`, `kinesis:Put*`, `*`. Upper and lower case are the same. */
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  /** `arn:aws:kinesis:*:*:stream/orders*`, `*`. */
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
}

/** Account (`123456789012` or its `:root`), user ARN, or `*` for everybody. */
export type PolicyPrincipal =
  '*' | { readonly [kind in 'AWS' | 'Service' | 'Federated' | 'CanonicalUser']?: string | readonly string[] };

/** An identity's policy says what its bearer may do; a resource's policy (`PutResourcePolicy`) who may do what to it. */
export type PolicyKind = 'identity' | 'resource';

/** A policy ready to be asked. */
export interface Policy {
  readonly kind: PolicyKind;
  readonly document: PolicyDocument;
  readonly statements: readonly CompiledStatement[];
}

export interface CompiledStatement {
  readonly allows: boolean;
  /** Of resource policies only. */
  readonly principals: CompiledPrincipals | undefined;
  /** `action` in lower case. */
  readonly coversAction: Matcher;
  readonly coversResource: Matcher;
}

export type PolicyRead =
  { readonly ok: true; readonly policy: Policy } | { readonly ok: false; readonly problem: string };

/** The bound that Kinesis has for resource policies; IAM's for identities are smaller. */
export const POLICY_CHARACTERS_MAX = 20_480;
/** Patterns of one kind in a statement, and statements in a policy. */
export const POLICY_LIST_MAX = 256;

/** May do everything to everything: for an operator's own key. */
export const FULL_ACCESS: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
};

class PolicyProblem extends Error {}

const POLICY_MEMBERS = new Set(['Version', 'Id', 'Statement']);
const STATEMENT_MEMBERS = new Set(['Sid', 'Effect', 'Principal', 'Action', 'NotAction', 'Resource', 'NotResource']);
const ACTION = /^(\*|[a-z0-9-]{1,64}:[a-z0-9*?]{1,128})$/;

/** Reads a policy from its JSON text. */
export function readPolicy(kind: PolicyKind, json: string): PolicyRead {
  if (json.length > POLICY_CHARACTERS_MAX) {
    return {
      ok: false,
      problem: `The policy has ${json.length} characters; at most ${POLICY_CHARACTERS_MAX} are allowed.`,
    };
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    return { ok: false, problem: `The policy is not JSON: ${(error as SyntaxError).message}` };
  }
  return compilePolicy(kind, parsed);
}

/** Checks a policy and makes it ready to be asked. `document` may be anything; what is no policy is told, not thrown. */
export function compilePolicy(kind: PolicyKind, document: unknown): PolicyRead {
  try {
    const members = objectOf(document, 'The policy');
    refuseUnknown(members, POLICY_MEMBERS, 'the policy');
    const { Version, Id, Statement } = members;
    if (Version !== undefined && Version !== '2012-10-17' && Version !== '2008-10-17') {
      throw new PolicyProblem(`Version is ${text(Version)}; it must be "2012-10-17" or "2008-10-17".`);
    }
    if (Id !== undefined && typeof Id !== 'string') throw new PolicyProblem('Id must be a string.');
    const statements: readonly unknown[] = Array.isArray(Statement) ? Statement : [Statement];
    if (Statement === undefined || statements.length === 0) throw new PolicyProblem('The policy has no Statement.');
    if (statements.length > POLICY_LIST_MAX) {
      throw new PolicyProblem(
        `The policy has ${statements.length} statements; at most ${POLICY_LIST_MAX} are allowed.`,
      );
    }
    const compiled = statements.map((statement, i) => compileStatement(kind, statement, `Statement ${i + 1}`));
    return { ok: true, policy: { kind, document: document as PolicyDocument, statements: compiled } };
  } catch (error) {
    if (error instanceof PolicyProblem) return { ok: false, problem: error.message };
    throw error;
  }
}

function compileStatement(kind: PolicyKind, statement: unknown, place: string): CompiledStatement {
  const members = objectOf(statement, place);
  refuseUnknown(members, STATEMENT_MEMBERS, place);
  const { Sid, Effect, Principal, Action, NotAction, Resource, NotResource } = members;
  if (Sid !== undefined && typeof Sid !== 'string') throw new PolicyProblem(`${place}: Sid must be a string.`);
  if (Effect !== 'Allow' && Effect !== 'Deny') {
    throw new PolicyProblem(`${place}: Effect is ${text(Effect)}; it must be "Allow" or "Deny".`);
  }
  return {
    allows: Effect === 'Allow',
    principals: principalsOf(kind, Principal, place),
    coversAction: eitherOr(place, 'Action', Action, NotAction, compileAction),
    coversResource: eitherOr(place, 'Resource', Resource, NotResource, compileResource),
  };
}

function principalsOf(kind: PolicyKind, principal: unknown, place: string): CompiledPrincipals | undefined {
  if (kind === 'identity') {
    if (principal !== undefined) {
      throw new PolicyProblem(
        `${place}: Principal belongs to a resource's policy; the bearer is the principal of this one.`,
      );
    }
    return undefined;
  }
  if (principal === undefined) throw new PolicyProblem(`${place} has no Principal.`);
  const named: string[] = [];
  const byKind = principal === '*' ? { AWS: '*' } : objectOf(principal, `${place}: Principal`);
  for (const [principalKind, value] of Object.entries(byKind)) {
    const values = strings(value, `${place}: Principal.${principalKind}`);
    if (principalKind === 'AWS') named.push(...values);
    // There are no services, federations or canonical users here: they match nobody.
    else if (principalKind !== 'Service' && principalKind !== 'Federated' && principalKind !== 'CanonicalUser') {
      throw new PolicyProblem(`${place}: Principal has the unknown member ${text(principalKind)}.`);
    }
  }
  const compiled = compilePrincipals(named);
  if (typeof compiled === 'string') {
    throw new PolicyProblem(`${place}: Principal ${text(compiled)} is no account, no user and not "*".`);
  }
  return compiled;
}

function eitherOr(
  place: string,
  name: 'Action' | 'Resource',
  these: unknown,
  notThese: unknown,
  compile: (pattern: string, place: string) => Matcher,
): Matcher {
  if ((these === undefined) === (notThese === undefined)) {
    throw new PolicyProblem(`${place} must have either ${name} or Not${name}.`);
  }
  const patterns = strings(these ?? notThese, `${place}: ${these === undefined ? 'Not' : ''}${name}`);
  const matchers = patterns.map((pattern) => compile(pattern, `${place}: ${name} ${text(pattern)}`));
  const [only] = matchers;
  const any: Matcher =
    matchers.length === 1 && only !== undefined ? only : (value) => matchers.some((matches) => matches(value));
  return these === undefined ? (value) => !any(value) : any;
}

function compileAction(pattern: string, place: string): Matcher {
  const lower = pattern.toLowerCase();
  if (!ACTION.test(lower)) throw new PolicyProblem(`${place} is not of the form <service>:<operation> or "*".`);
  return compileWildcard(lower);
}

function compileResource(pattern: string, place: string): Matcher {
  if (pattern.includes('${')) throw new PolicyProblem(`${place} has a variable; variables are not supported.`);
  // A star alone, or an ARN whose first part may not be a pattern.
  if (pattern !== '*' && !pattern.startsWith('arn:')) throw new PolicyProblem(`${place} is no ARN and not "*".`);
  return compileWildcard(pattern);
}

function strings(value: unknown, place: string): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0) throw new PolicyProblem(`${place} is empty.`);
  if (list.length > POLICY_LIST_MAX) {
    throw new PolicyProblem(`${place} has ${list.length} entries; at most ${POLICY_LIST_MAX} are allowed.`);
  }
  for (const entry of list) {
    if (typeof entry !== 'string') throw new PolicyProblem(`${place} must be a string or a list of strings.`);
  }
  return list as readonly string[];
}

function objectOf(value: unknown, place: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new PolicyProblem(`${place} must be an object.`);
  }
  return value as Readonly<Record<string, unknown>>;
}

function refuseUnknown(members: object, known: ReadonlySet<string>, place: string): void {
  for (const name of Object.keys(members)) {
    if (!known.has(name)) throw new PolicyProblem(`${text(name)} in ${place} is not supported.`);
  }
}

/** A value for a sentence: quoted, and short. */
function text(value: unknown): string {
  const shown = JSON.stringify(value) ?? 'missing';
  return shown.length > 100 ? `${shown.slice(0, 100)}…` : shown;
}
