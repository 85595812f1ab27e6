-- take-tokens: takes tokens out of a bucket, or brings unspent ones back.
--
-- KEYS[1] bucket  string  '<tokens> <time in µs>'; absent: full; read and written, expires once it would be full
--
-- ARGV[1] rate per second  ARGV[2] capacity
-- ARGV[3] the least to take  ARGV[4] the most to take; both negative: that many are brought back
-- ARGV[5] now, µs since 1970; empty: this server's clock
--
-- Returns {'ok', granted, wait in ms}  granted 0: fewer than the least are there, and will be after the wait
--
-- One step, so that no token is granted twice.
local bucketKey = KEYS[1]
local rate, capacity = tonumber(ARGV[1]), tonumber(ARGV[2])
local least, most, now = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local tokens, since = capacity, now
local state = redis.call('GET', bucketKey)
if state then
  local before, at = string.match(state, '^(%S+) (%S+)$')
  -- A clock that goes back must not take tokens away, nor let the same time flow in twice.
  since = math.max(tonumber(at), now)
  tokens = math.min(capacity, tonumber(before) + (since - tonumber(at)) * rate / 1000000)
end

local granted, wait = 0, 0
if most < 0 then
  tokens = math.min(capacity, tokens - most)
elseif tokens >= least then
  granted = math.floor(math.min(most, tokens))
  -- `least` may be a fraction.
  if granted < least then granted = least end
  tokens = tokens - granted
else
  wait = math.ceil((least - tokens) / rate * 1000)
end
-- Whoever finds nothing makes a full bucket, which is what this one is by then.
local fullAfter = math.ceil((capacity - tokens) / rate * 1000) + 1000
redis.call('SET', bucketKey, string.format('%.17g %.0f', tokens, since), 'PX', string.format('%.0f', fullAfter))
return {'ok', string.format('%.17g', granted), string.format('%.0f', wait)}
