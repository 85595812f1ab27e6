/** The moment at which a request says that it was signed. */
export interface RequestTime {
  /** ISO 8601 basic format: `20150830T123600Z`. Its first eight characters are the day of the credential scope. */
  readonly text: string;
  /** Since 1970. */
  readonly ms: number;
}

const BASIC = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
/** The one form of an HTTP date that clients send: `Sun, 30 Aug 2015 12:36:00 GMT`. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/** A busy client signs many requests in one second. */
let latest: RequestTime | undefined;

/** `undefined` if the text is neither ISO 8601 basic format nor an HTTP date, or names no real moment. */
export function parseRequestTime(text: string): RequestTime | undefined {
  if (latest?.text === text) return latest;
  const time = parseBasic(text) ?? parseHttpDate(text);
  if (time !== undefined) latest = time;
  return time;
}

function parseBasic(text: string): RequestTime | undefined {
  const parts = BASIC.exec(text);
  if (parts === null) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  // A thirteenth month would roll over into the next year: such a text names no moment.
  return formatBasic(ms) === text ? { text, ms } : undefined;
}

function parseHttpDate(text: string): RequestTime | undefined {
  if (!HTTP_DATE.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : { text: formatBasic(ms), ms };
}

/** ISO 8601 basic format in whole seconds. */
export function formatBasic(ms: number): string {
  return new Date(ms)
    .toISOString()
    .replace(/\.\d{3}Z$/, 'Z')
    .replaceAll(/[-:]/g, '');
}
