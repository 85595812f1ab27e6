#!lua flags=no-writes
-- list-leases: the leases in force under a prefix, in name order.
--
-- KEYS[1] held    hash  name -> holder, value and epoch (MessagePack); read
-- KEYS[2] names   zset  read
-- KEYS[3] expiry  zset  name -> when it runs out, ms since 1970; read
--
-- ARGV[1] prefix  ARGV[2] leases at most
-- ARGV[3] now, ms since 1970; empty: this server's clock
--
-- Returns {'ok', name, holder, value, epoch, name, holder, …}
--
-- One step, so that a lease that changes hands meanwhile is listed once, with one holder.
local heldKey, namesKey, expiryKey = KEYS[1], KEYS[2], KEYS[3]
local prefix, limit, now = ARGV[1], ARGV[2], tonumber(ARGV[3])

if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local answer = {'ok'}
-- No UTF-8 text holds the byte 255, so prefix + 255 is behind every name with the prefix.
for _, name in ipairs(redis.call('ZRANGEBYLEX', namesKey, '[' .. prefix, '(' .. prefix .. '\255', 'LIMIT', 0, limit)) do
  local packed, expires = redis.call('HGET', heldKey, name), redis.call('ZSCORE', expiryKey, name)
  if packed and expires and tonumber(expires) > now then
    local lease = cmsgpack.unpack(packed)
    for _, field in ipairs({name, lease[1], lease[2], lease[3]}) do answer[#answer + 1] = field end
  end
end
return answer
