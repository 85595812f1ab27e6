#!lua flags=allow-oom
-- move-start: forgets the records below an offset; readers see it at once, the space comes back by purge-slice.
--
-- KEYS[1] meta     hash  the shard's bounds; read and written
-- KEYS[2] aborted  zset  aborted transactions; those that lie before the start are removed
--
-- ARGV[1] the new start
-- ARGV[2] the shard's name in messages
-- ARGV[3] channel for messages
--
-- Returns {'ok', start}                    the start now, which never goes back
--         {'offsetOutOfRange', start, end} above the high watermark
--         {'shardNotFound'}
--
-- One step, so that of two processes the further start wins. Allowed when memory is full: it is what frees memory.
local metaKey, abortedKey = KEYS[1], KEYS[2]
local before, shard, channel = tonumber(ARGV[1]), ARGV[2], ARGV[3]

local meta = redis.call('HMGET', metaKey, 'start', 'end', 'watermark', 'unstable', 'lastAborted')
if not meta[1] then return {'shardNotFound'} end
if before > tonumber(meta[3]) then return {'offsetOutOfRange', meta[1], meta[2]} end
if before <= tonumber(meta[1]) then return {'ok', meta[1]} end
redis.call('HSET', metaKey, 'start', ARGV[1])
if meta[5] then redis.call('ZREMRANGEBYSCORE', abortedKey, '-inf', '(' .. ARGV[1]) end
local stable = meta[4] and math.max(before, math.min(tonumber(meta[4]), tonumber(meta[3]))) or tonumber(meta[3])
redis.call('PUBLISH', channel, 'trimmed ' .. shard .. ' ' .. ARGV[1] .. ' ' .. meta[2] .. ' ' .. meta[3]
  .. ' ' .. string.format('%.0f', stable) .. ' ' .. (meta[5] or '-1'))
return {'ok', ARGV[1]}
