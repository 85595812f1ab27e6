-- release-transaction: ends a producer's transaction in a sealed shard, whose partition goes on elsewhere.
--
-- KEYS[1] meta     hash  the shard's bounds; read and written
-- KEYS[2] open     zset  open transactions; the producer's is removed
-- KEYS[3] aborted  zset  aborted ones; written when this one was
--
-- ARGV[1] producer id
-- ARGV[2] commit or abort
-- ARGV[3] the shard's name in messages
-- ARGV[4] channel for messages
--
-- Returns {'ok'}        also when none was open
--         {'unsealed'}  a marker must be appended; nothing was written
--         {'shardNotFound'}
--
-- One step, because readers may see what follows it as soon as it has ended, and must pass over it when it was aborted.
local metaKey, openKey, abortedKey = KEYS[1], KEYS[2], KEYS[3]
local producerId, decision, shard, channel = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local function whole(number) return string.format('%.0f', number) end

local meta = redis.call('HMGET', metaKey, 'end', 'start', 'watermark', 'sealed', 'lastAborted')
if not meta[1] then return {'shardNotFound'} end
local first = redis.call('ZSCORE', openKey, producerId)
if not first then return {'ok'} end
if not meta[4] then return {'unsealed'} end
redis.call('ZREM', openKey, producerId)
local oldest = redis.call('ZRANGE', openKey, 0, 0, 'WITHSCORES')[2]
local unstable = oldest and whole(tonumber(oldest))
if unstable then redis.call('HSET', metaKey, 'unstable', unstable) else redis.call('HDEL', metaKey, 'unstable') end
local lastAborted = meta[5] or '-1'
if decision == 'abort' then
  local last = whole(tonumber(meta[1]) - 1)
  local range = producerId .. ' ' .. whole(tonumber(first)) .. ' ' .. last .. ' ' .. (unstable or meta[1])
  redis.call('ZADD', abortedKey, last, range)
  redis.call('HSET', metaKey, 'lastAborted', last)
  lastAborted = last
end
local watermark = tonumber(meta[3])
local stable = unstable and math.max(tonumber(meta[2]), math.min(tonumber(unstable), watermark)) or watermark
redis.call('PUBLISH', channel, 'released ' .. shard .. ' ' .. meta[2] .. ' ' .. meta[1] .. ' ' .. meta[3]
  .. ' ' .. whole(stable) .. ' ' .. lastAborted)
return {'ok'}
