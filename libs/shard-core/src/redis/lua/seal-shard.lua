-- seal-shard: closes a shard to appends, for good.
--
-- KEYS[1] meta  hash  the shard's bounds; read and written
--
-- ARGV[1] the shard's name in messages
-- ARGV[2] channel for messages
--
-- Returns {'ok', end, watermark, copies}  also when it was sealed before
--         {'shardNotFound'}
--
-- One step: the end that is answered must be final.
local metaKey = KEYS[1]
local shard, channel = ARGV[1], ARGV[2]

local meta = redis.call('HMGET', metaKey, 'end', 'watermark', 'start', 'copies', 'sealed', 'unstable', 'lastAborted')
if not meta[1] then return {'shardNotFound'} end
if not meta[5] then
  redis.call('HSET', metaKey, 'sealed', '1')
  local stable = meta[6] and string.format('%.0f', math.min(tonumber(meta[6]), tonumber(meta[2]))) or meta[2]
  redis.call('PUBLISH', channel, 'sealed ' .. shard .. ' ' .. meta[3] .. ' ' .. meta[1] .. ' ' .. meta[2]
    .. ' ' .. stable .. ' ' .. (meta[7] or '-1'))
end
return {'ok', meta[1], meta[2], meta[4]}
