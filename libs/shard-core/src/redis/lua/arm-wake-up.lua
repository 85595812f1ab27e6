#!lua flags=allow-oom
-- arm-wake-up: asks for a message when readers may see a record at or above an offset, unless they may already.
--
-- KEYS[1] meta  hash  the shard's bounds; read, the flag `armed` is written
--
-- ARGV[1] the offset
--
-- Returns {'ready', start, end, watermark, sealed, copies}  there is one, or the shard is sealed
--         {'armed', start, end, watermark, sealed, copies}  a message will come (sealed is 1 or 0)
--         {'shardNotFound'}
--
-- One step: an append between the look and the flag would wake nobody. The flag is why shards on which nobody waits
-- cost no messages at all. Allowed when memory is full: it is a few bytes, and readers must go on.
local metaKey = KEYS[1]
local offset = tonumber(ARGV[1])

local meta = redis.call('HMGET', metaKey, 'start', 'end', 'watermark', 'sealed', 'copies', 'armed')
if not meta[1] then return {'shardNotFound'} end
local state = 'ready'
if tonumber(meta[3]) <= offset and not meta[4] then
  state = 'armed'
  if not meta[6] then redis.call('HSET', metaKey, 'armed', '1') end
end
return {state, meta[1], meta[2], meta[3], meta[4] and '1' or '0', meta[5]}
