-- advance-watermark: lets readers see what enough replicas hold.
--
-- KEYS[1] meta  hash  the shard's bounds; read and written
--
-- ARGV[1] the offset up to which enough replicas hold the log
-- ARGV[2] the shard's name in messages
-- ARGV[3] channel for messages
--
-- Returns {'ok', watermark, stable, last aborted} the watermark now, which never goes back
--         {'shardNotFound'}
--
-- One step, because two processes may advance one shard at once, the slower with an older offset.
local metaKey = KEYS[1]
local offset, shard, channel = tonumber(ARGV[1]), ARGV[2], ARGV[3]

local meta = redis.call('HMGET', metaKey, 'watermark', 'end', 'start', 'armed', 'unstable', 'lastAborted')
if not meta[1] then return {'shardNotFound'} end
local function stableAt(watermark)
  local unstable = tonumber(meta[5] or watermark)
  return string.format('%.0f', math.max(tonumber(meta[3]), math.min(unstable, tonumber(watermark))))
end
local lastAborted = meta[6] or '-1'
-- After a failover the end may lie below what the caller remembers.
local target = math.min(offset, tonumber(meta[2]))
if target <= tonumber(meta[1]) then return {'ok', meta[1], stableAt(meta[1]), lastAborted} end
local watermark = string.format('%.0f', target)
redis.call('HSET', metaKey, 'watermark', watermark)
if meta[4] then
  redis.call('HDEL', metaKey, 'armed')
  redis.call('PUBLISH', channel, 'appended ' .. shard .. ' ' .. meta[3] .. ' ' .. meta[2] .. ' ' .. watermark
    .. ' ' .. stableAt(watermark) .. ' ' .. lastAborted)
end
return {'ok', watermark, stableAt(watermark), lastAborted}
