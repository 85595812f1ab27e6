import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type AwsCredentials, DEFAULT_REGION } from '@tailrace/identity';
import { ReadableFailure } from '@tailrace/service';

/** How a client command signs at an HTTP door that asks for it: as every tool of AWS. */
export const AWS_OPTIONS = {
  profile: { type: 'string' },
  region: { type: 'string' },
} as const;

type Values = { readonly [Name in keyof typeof AWS_OPTIONS]?: string | undefined };
type Env = Readonly<Record<string, string | undefined>>;

export interface AwsAccess {
  readonly credentials: AwsCredentials;
  readonly region: string;
}

const DEFAULT_PROFILE = 'default';

/**
 * Who signs, and for which region. `--profile` first; then AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; then the
 * profile that AWS_PROFILE names, or `default`. Profiles are in `~/.aws/credentials` and `~/.aws/config`, or where
 * AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE say. The region is that of `--region`, AWS_REGION, AWS_DEFAULT_REGION or the
 * profile, else us-east-1. Throws ReadableFailure, for what is missing too.
 */
export function awsAccessOf(values: Values, env: Env = process.env): AwsAccess {
  const named = values.profile ?? nonEmpty(env['AWS_PROFILE']);
  const profile = readProfile(named ?? DEFAULT_PROFILE, env);
  const credentials =
    values.profile === undefined ? (fromEnvironment(env) ?? fromProfile(profile)) : fromProfile(profile);
  const region =
    values.region ?? nonEmpty(env['AWS_REGION']) ?? nonEmpty(env['AWS_DEFAULT_REGION']) ?? profile.values['region'];
  if (credentials !== undefined) return { credentials, region: region ?? DEFAULT_REGION };
  if (named === undefined) {
    throw new ReadableFailure(
      'Requests must be signed here, and there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give ' +
        `--profile NAME of ${profile.credentialsFile}. \`tailrace keys create\` makes a key.`,
    );
  }
  if (!profile.exists) {
    throw new ReadableFailure(
      `There is no profile ${named} in ${profile.credentialsFile} and ${profile.configFile}. \`--profile\` and AWS_PROFILE name one.`,
    );
  }
  throw new ReadableFailure(
    `The profile ${named} has no aws_access_key_id with aws_secret_access_key, which are all that is read here. For roles, SSO and ` +
      `processes: \`eval "$(aws configure export-credentials --profile ${named} --format env)"\`.`,
  );
}

function fromEnvironment(env: Env): AwsCredentials | undefined {
  const accessKeyId = nonEmpty(env['AWS_ACCESS_KEY_ID']);
  const secretAccessKey = nonEmpty(env['AWS_SECRET_ACCESS_KEY']);
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    const [is, lacks] =
      accessKeyId === undefined ? ['SECRET_ACCESS_KEY', 'ACCESS_KEY_ID'] : ['ACCESS_KEY_ID', 'SECRET_ACCESS_KEY'];
    throw new ReadableFailure(`AWS_${is} is set and AWS_${lacks} is not: they go together.`);
  }
  return { accessKeyId, secretAccessKey, sessionToken: nonEmpty(env['AWS_SESSION_TOKEN']) };
}

function fromProfile({ values }: Profile): AwsCredentials | undefined {
  const {
    aws_access_key_id: accessKeyId,
    aws_secret_access_key: secretAccessKey,
    aws_session_token: sessionToken,
  } = values;
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken };
}

interface Profile {
  readonly exists: boolean;
  readonly values: Readonly<Record<string, string>>;
  readonly credentialsFile: string;
  readonly configFile: string;
}

/** Of both files; what stands in the credentials file counts more. */
function readProfile(name: string, env: Env): Profile {
  const directory = join(nonEmpty(env['HOME']) ?? homedir(), '.aws');
  const credentialsFile = nonEmpty(env['AWS_SHARED_CREDENTIALS_FILE']) ?? join(directory, 'credentials');
  const configFile = nonEmpty(env['AWS_CONFIG_FILE']) ?? join(directory, 'config');
  const inCredentials = sectionsOf(textOf(credentialsFile)).get(name);
  const config = sectionsOf(textOf(configFile));
  const inConfig = config.get(`profile ${name}`) ?? (name === DEFAULT_PROFILE ? config.get(name) : undefined);
  return {
    exists: inCredentials !== undefined || inConfig !== undefined,
    values: { ...inConfig, ...inCredentials },
    credentialsFile,
    configFile,
  };
}

const SECTION = /^\[\s*(.+?)\s*\]/;
/** A line that begins with white space belongs to the value above it, of which none is read here. */
const PAIR = /^([^\s=#;][^=]*?)\s*=\s*(.*?)\s*$/;
const COMMENT = /\s[#;].*$/;

/** The sections of a file in AWS's INI format; one that is there twice is one. Values that are empty are left out. */
export function sectionsOf(text: string): ReadonlyMap<string, Readonly<Record<string, string>>> {
  const sections = new Map<string, Record<string, string>>();
  let section: Record<string, string> | undefined;
  for (const line of text.split(/\r?\n/)) {
    const name = SECTION.exec(line)?.[1]?.replace(/\s+/g, ' ');
    if (name !== undefined) {
      section = sections.get(name) ?? {};
      sections.set(name, section);
      continue;
    }
    const [, key, value] = PAIR.exec(line.replace(COMMENT, '')) ?? [];
    if (section !== undefined && key !== undefined && value) section[key.toLowerCase()] = value;
  }
  return sections;
}

/** A file that is not there says nothing. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw new ReadableFailure(`Credentials cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
