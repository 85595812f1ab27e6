let text = '';
let validUntilMs = 0;

/** The present time in the form of the `Date` header, RFC 9110, 5.6.7. Written anew once a second. */
export function httpDate(nowMs = Date.now()): string {
  // A clock that is set back must not keep an old text for long.
  if (nowMs >= validUntilMs || nowMs < validUntilMs - 1000) {
    text = new Date(nowMs).toUTCString();
    validUntilMs = nowMs - (nowMs % 1000) + 1000;
  }
  return text;
}
