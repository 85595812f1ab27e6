-- acquire-lease: takes or renews a lease.
--
-- KEYS[1] held    hash    name -> holder, value and epoch (MessagePack); read and written
-- KEYS[2] names   zset    every name with score 0, for listing; written
-- KEYS[3] expiry  zset    name -> when it runs out, ms since 1970; read and written
-- KEYS[4] epoch   string  the last epoch given to any lease; written
--
-- ARGV[1] name  ARGV[2] holder  ARGV[3] time to live, ms  ARGV[4] value
-- ARGV[5] now, ms since 1970; empty: this server's clock
--
-- Returns {'held', holder, value, epoch, handed over}  handed over: '1' when it was not this holder's before, else '0'
--         {'refused', holder, value, epoch}            somebody else's
--
-- One step, so that two cannot both find it free. Epochs come from one counter, so that they grow even where nothing
-- remembers the lease any more. Clears away up to 100 leases that ran out, so that names do not pile up.
local heldKey, namesKey, expiryKey, epochKey = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local name, holder, ttl, value, now = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])

if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
for _, over in ipairs(redis.call('ZRANGEBYSCORE', expiryKey, '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('HDEL', heldKey, over)
  redis.call('ZREM', namesKey, over)
  redis.call('ZREM', expiryKey, over)
end

local packed = redis.call('HGET', heldKey, name)
local expires = packed and tonumber(redis.call('ZSCORE', expiryKey, name))
local current = expires and expires > now and cmsgpack.unpack(packed)
if current and current[1] ~= holder then return {'refused', current[1], current[2], current[3]} end

local epoch = current and current[3] or string.format('%.0f', redis.call('INCR', epochKey))
redis.call('HSET', heldKey, name, cmsgpack.pack({holder, value, epoch}))
redis.call('ZADD', namesKey, 0, name)
redis.call('ZADD', expiryKey, now + ttl, name)
return {'held', holder, value, epoch, current and '0' or '1'}
