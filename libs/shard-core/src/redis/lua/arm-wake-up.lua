#!lua flags=allow-oom
-- arm-wake-up: asks for a message when readers may see a record at or above an offset, unless they may already.
--
-- KEYS[1] meta  hash  the shard's bounds; read, the flag `armed` is written
--
-- ARGV[1] the offset for readers below the high watermark; empty: there are none
-- ARGV[2] the same for readers below the last stable offset
--
-- Returns {'ready', start, end, watermark, sealed, copies, stable, last aborted}  one of them may go on
--         {'armed', start, end, watermark, sealed, copies, stable, last aborted}  a message will come
--         {'shardNotFound'}
--
-- `sealed` is 1 or 0. Of a sealed shard everybody may go on; committed readers when no transaction is open in it, and
-- release-transaction tells of that, flag or not.
--
-- One step: an append between the look and the flag would wake nobody. The flag is why shards on which nobody waits
-- cost no messages at all. Allowed when memory is full: it is a few bytes, and readers must go on.
local metaKey = KEYS[1]
local offset, stableOffset = tonumber(ARGV[1]), tonumber(ARGV[2])

local meta = redis.call('HMGET', metaKey, 'start', 'end', 'watermark', 'sealed', 'copies', 'armed', 'unstable',
  'lastAborted')
if not meta[1] then return {'shardNotFound'} end
local watermark, stable = tonumber(meta[3]), tonumber(meta[3])
if meta[7] then stable = math.max(tonumber(meta[1]), math.min(tonumber(meta[7]), watermark)) end
local state = 'armed'
if offset and (watermark > offset or meta[4]) then state = 'ready' end
if stableOffset and (stable > stableOffset or (meta[4] and stable == watermark)) then state = 'ready' end
if state == 'armed' and not meta[6] then redis.call('HSET', metaKey, 'armed', '1') end
return {state, meta[1], meta[2], meta[3], meta[4] and '1' or '0', meta[5], string.format('%.0f', stable),
  meta[8] or '-1'}
