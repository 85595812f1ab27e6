#!lua flags=allow-oom
-- move-start: forgets the records below an offset; readers see it at once, the space comes back by purge-slice.
--
-- KEYS[1] meta  hash  the shard's bounds; read and written
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
local metaKey = KEYS[1]
local before, shard, channel = tonumber(ARGV[1]), ARGV[2], ARGV[3]

local meta = redis.call('HMGET', metaKey, 'start', 'end', 'watermark')
if not meta[1] then return {'shardNotFound'} end
if before > tonumber(meta[3]) then return {'offsetOutOfRange', meta[1], meta[2]} end
if before <= tonumber(meta[1]) then return {'ok', meta[1]} end
redis.call('HSET', metaKey, 'start', ARGV[1])
redis.call('PUBLISH', channel, 'trimmed ' .. shard .. ' ' .. ARGV[1] .. ' ' .. meta[2] .. ' ' .. meta[3])
return {'ok', ARGV[1]}
