import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import { type AwsRefusal, refuse } from './aws-refusal.ts';
import { canonicalRequest, type SignedRequest } from './canonical-request.ts';
import { formatBasic, parseRequestTime, type RequestTime } from './request-time.ts';
import {
  ALGORITHM,
  type HeaderParameters,
  isPresigned,
  parseAuthorizationHeader,
  parsePresignedQuery,
  type SignatureParameters,
} from './signature-parameters.ts';
import { deriveSigningKey, SigningKeys } from './signing-keys.ts';
import { stringToSign } from './string-to-sign.ts';

/** Someone whose signature can be checked. */
export interface Signer<Identity> {
  /** The access key's secret, which both sides know and no request carries. */
  readonly secret: string;
  readonly identity: Identity;
}

export interface SignatureVerifierOptions<Identity> {
  /** Of an access key id; `undefined` if nobody has it. Answers at once: it is asked with every request. */
  readonly findSigner: (accessKeyId: string) => Signer<Identity> | undefined;
  readonly service?: string;
  /** Without it every region is right: one deployment serves them all. */
  readonly regions?: ReadonlySet<string>;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}

/** A request whose signature is right. */
export interface Verified<Identity> {
  readonly ok: true;
  readonly identity: Identity;
  readonly accessKeyId: string;
  /** From the credential scope. */
  readonly region: string;
}

/** How far the clocks of client and service may be apart: five minutes, the bound that the service's own texts name. */
export const CLOCK_SKEW_MS = 300_000;
/** A presigned request is good for a week at most. */
export const PRESIGNED_EXPIRES_SECONDS_MAX = 604_800;
/** Authorization headers of late, up to the signature: a client's stay the same for a day. */
export const KNOWN_HEADERS_MAX = 1_000;
/** Longer ones are read anew each time. */
const KNOWN_HEADER_CHARACTERS_MAX = 1_024;

const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';
const SIGNATURE_MEMBER = 'Signature=';
const SIGNATURE_PARAMETER = 'X-Amz-Signature';
const SIGNATURE_CHARACTERS = 64;
const MINUTE_MS = 60_000;

const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and ' +
  'signing method. Consult the service documentation for details.';

const missingToken = refuse('MissingAuthenticationTokenException', 'Missing Authentication Token');
const unknownKey = refuse('UnrecognizedClientException', 'The security token included in the request is invalid.');
const foundBoth = refuse(
  'InvalidSignatureException',
  "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
);
const hostUnsigned = refuse(
  'InvalidSignatureException',
  "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
);
const targetUnsigned = refuse(
  'InvalidSignatureException',
  "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.",
);

/** What a request says of its signature, from wherever. */
interface Claim extends HeaderParameters {
  /** When it was signed, as it came. */
  readonly timeText: string;
  /** Only of a presigned request that has its own. */
  readonly expiresSeconds: number | undefined;
  readonly securityToken: string | undefined;
  readonly presigned: boolean;
  /** Whether its parameters were read from the header now, and may be kept. */
  readonly isNew: boolean;
}

/**
 * Checks AWS's Signature Version 4, in the header and in a presigned query.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 *
 * Refusals, in the order in which they are found:
 *  1 InvalidSignatureException            credentials in header and query at once
 *  2 MissingAuthenticationTokenException  none at all
 *  3 IncompleteSignatureException         a parameter without `=`; parameters that are missing, all in one text
 *  4 IncompleteSignatureException         a time that is none; X-Amz-Expires of no number or above a week
 *  5 InvalidSignatureException            signed too long ago, or in the future
 *  6 InvalidSignatureException            host, or the header that names the operation, not signed
 *  7 IncompleteSignatureException         another algorithm
 *  8 IncompleteSignatureException         a credential of other than five parts
 *  9 InvalidSignatureException            region, service, terminator or day of the credential, all in one text
 * 10 UnrecognizedClientException          nobody has this access key
 * 11 InvalidSignatureException            the signature is another one
 * 12 UnrecognizedClientException          a session token: none is ever given out here
 * Texts and order as public clones of the services have recorded them (kinesalite, dynalite, both by M. Hart).
 */
export class SignatureVerifier<Identity> {
  readonly #findSigner: (accessKeyId: string) => Signer<Identity> | undefined;
  readonly #service: string;
  readonly #regions: ReadonlySet<string> | undefined;
  readonly #clock: () => number;
  readonly #signingKeys = new SigningKeys();
  readonly #knownHeaders = new Map<string, SignatureParameters>();

  constructor({ findSigner, service = 'kinesis', regions, clock = Date.now }: SignatureVerifierOptions<Identity>) {
    this.#findSigner = findSigner;
    this.#service = service;
    this.#regions = regions;
    this.#clock = clock;
  }

  /** How much is kept of requests that were right. */
  get kept(): { readonly signingKeys: number; readonly headers: number } {
    return { signingKeys: this.#signingKeys.size, headers: this.#knownHeaders.size };
  }

  /** `body`: all of it, as it came. Never throws, whatever the request. */
  verify(request: SignedRequest, body: Uint8Array): Verified<Identity> | AwsRefusal {
    const claim = this.#claimOf(request);
    if ('ok' in claim) return claim; // 1, 2, 3
    const time = parseRequestTime(claim.timeText);
    if (time === undefined) {
      return refuse(
        'IncompleteSignatureException',
        `Date must be in ISO-8601 'basic format'. Got '${claim.timeText}'. See http://en.wikipedia.org/wiki/ISO_8601`, // 4
      );
    }
    const { parameters } = claim;
    const [accessKeyId, date, region, service] = parameters.credentialParts as [string, string, string, string];
    const refusal =
      this.#timeRefusal(time, claim.expiresSeconds) ?? // 4, 5
      coverageRefusal(request, parameters) ?? // 6
      this.#scopeRefusal(parameters, time); // 7, 8, 9
    if (refusal !== undefined) return refusal;
    const signer = this.#findSigner(accessKeyId);
    if (signer === undefined) return unknownKey; // 10

    const { secret } = signer;
    const payload = request.headers['x-amz-content-sha256'];
    const payloadHash = payload === UNSIGNED_PAYLOAD ? UNSIGNED_PAYLOAD : hash('sha256', body, 'hex');
    const canonical = canonicalRequest(
      request,
      parameters.signedHeaders,
      payloadHash,
      claim.presigned ? SIGNATURE_PARAMETER : undefined,
    );
    const scope = { date, region, service };
    const toSign = stringToSign(canonical, time.text, scope);
    const keptKey = this.#signingKeys.find(parameters.credential, secret);
    const signingKey = keptKey ?? deriveSigningKey(secret, scope);
    const signature = createHmac('sha256', signingKey).update(toSign).digest('hex');
    if (!sameText(signature, claim.signature)) {
      return {
        ...refuse('InvalidSignatureException', MISMATCH), // 11
        detail:
          `The Canonical String for this request should have been\n'${canonical}'\n\n` +
          `The String-to-Sign should have been\n'${toSign}'\n`,
      };
    }
    if (keptKey === undefined) this.#signingKeys.keep(parameters.credential, secret, signingKey);
    if (claim.securityToken !== undefined) return unknownKey; // 12
    if (claim.isNew) this.#remember(request, parameters);
    return { ok: true, identity: signer.identity, accessKeyId, region };
  }

  #claimOf({ headers, target }: SignedRequest): Claim | AwsRefusal {
    const { authorization } = headers;
    const queryAt = target.indexOf('?');
    const query = queryAt === -1 ? '' : target.slice(queryAt + 1);
    if (query !== '' && isPresigned(query)) {
      if (authorization) return foundBoth;
      const presigned = parsePresignedQuery(query);
      if ('ok' in presigned) return presigned;
      return { ...presigned, timeText: presigned.time, presigned: true, isNew: false };
    }
    if (!authorization) return missingToken;
    const timeText = textOf(headers['x-amz-date']) ?? textOf(headers.date);
    const known = this.#knownHeader(authorization);
    const read = known ?? parseAuthorizationHeader(authorization, timeText !== undefined);
    if ('ok' in read) return read;
    // A header that was known may come without a time.
    if (timeText === undefined) return parseAuthorizationHeader(authorization, false) as AwsRefusal;
    return {
      parameters: read.parameters,
      signature: read.signature,
      timeText,
      expiresSeconds: undefined,
      securityToken: textOf(headers['x-amz-security-token']),
      presigned: false,
      isNew: known === undefined,
    };
  }

  #knownHeader(authorization: string): HeaderParameters | undefined {
    const signatureAt = authorization.length - SIGNATURE_CHARACTERS;
    const parameters = this.#knownHeaders.get(authorization.slice(0, signatureAt));
    return parameters && { parameters, signature: authorization.slice(signatureAt) };
  }

  /** Only of requests whose signature was right, so that garbage pushes nothing out. */
  #remember({ headers }: SignedRequest, parameters: SignatureParameters): void {
    const authorization = headers.authorization as string;
    const prefix = authorization.slice(0, authorization.length - SIGNATURE_CHARACTERS);
    if (!prefix.endsWith(SIGNATURE_MEMBER) || prefix.length > KNOWN_HEADER_CHARACTERS_MAX) return;
    if (this.#knownHeaders.size >= KNOWN_HEADERS_MAX) this.#knownHeaders.clear();
    this.#knownHeaders.set(prefix, parameters);
  }

  #timeRefusal(time: RequestTime, expiresSeconds: number | undefined): AwsRefusal | undefined {
    const now = this.#clock();
    let lifeMs = CLOCK_SKEW_MS;
    if (expiresSeconds !== undefined) {
      if (!(expiresSeconds >= 1 && expiresSeconds <= PRESIGNED_EXPIRES_SECONDS_MAX)) {
        return refuse(
          'IncompleteSignatureException',
          `X-Amz-Expires must be a number of seconds between 1 and ${PRESIGNED_EXPIRES_SECONDS_MAX} (a week).`,
        );
      }
      lifeMs = expiresSeconds * 1000;
    }
    if (now - time.ms > lifeMs) {
      const span = lifeMs % MINUTE_MS === 0 ? `${lifeMs / MINUTE_MS} min.` : `${lifeMs / 1000} sec.`;
      return refuse(
        'InvalidSignatureException',
        `Signature expired: ${time.text} is now earlier than ${formatBasic(now - lifeMs)} (${formatBasic(now)} - ${span})`,
      );
    }
    if (time.ms - now > CLOCK_SKEW_MS) {
      const skew = `${CLOCK_SKEW_MS / MINUTE_MS} min.`;
      return refuse(
        'InvalidSignatureException',
        `Signature not yet current: ${time.text} is still later than ${formatBasic(now + CLOCK_SKEW_MS)} ` +
          `(${formatBasic(now)} + ${skew})`,
      );
    }
    return undefined;
  }

  #scopeRefusal(
    { algorithm, credential, credentialParts }: SignatureParameters,
    time: RequestTime,
  ): AwsRefusal | undefined {
    if (algorithm !== ALGORITHM) {
      return refuse('IncompleteSignatureException', `Unsupported AWS 'algorithm': '${algorithm}'.`);
    }
    if (credentialParts.length !== 5) {
      return refuse(
        'IncompleteSignatureException',
        `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${credential}'`,
      );
    }
    const [, date, region, service, terminator] = credentialParts as [string, string, string, string, string];
    const day = time.text.slice(0, 8);
    const regionIsRight = this.#regions === undefined ? region !== '' : this.#regions.has(region);
    if (regionIsRight && service === this.#service && terminator === 'aws4_request' && date === day) return undefined;
    let problems = '';
    if (!regionIsRight) problems += `Credential should be scoped to a valid region, not '${region}'. `;
    if (service !== this.#service) problems += `Credential should be scoped to correct service: '${this.#service}'. `;
    if (terminator !== 'aws4_request') {
      problems += `Credential should be scoped with a valid terminator: 'aws4_request', not '${terminator}'. `;
    }
    if (date !== day) {
      problems +=
        'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: ' +
        `'${date}' != '${day}', from '${time.text}'.`;
    }
    return refuse('InvalidSignatureException', problems);
  }
}

/**
 * The host is signed so that a request cannot be sent elsewhere, and the header that names the operation so that a
 * PutRecord that somebody overheard cannot become a DeleteStream.
 */
function coverageRefusal({ headers }: SignedRequest, { signedHeaders }: SignatureParameters): AwsRefusal | undefined {
  const { names } = signedHeaders;
  if (!names.includes('host') && !names.includes(':authority')) return hostUnsigned;
  if (headers['x-amz-target'] !== undefined && !names.includes('x-amz-target')) return targetUnsigned;
  return undefined;
}

function textOf(header: string | string[] | undefined): string | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  return text === '' ? undefined : text;
}

/** In a time that does not tell how much of it is right. */
function sameText(computed: string, given: string): boolean {
  if (given.length !== computed.length) return false;
  const givenBytes = Buffer.from(given, 'latin1');
  return timingSafeEqual(Buffer.from(computed, 'latin1'), givenBytes);
}
