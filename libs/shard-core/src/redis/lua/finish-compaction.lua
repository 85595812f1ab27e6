-- finish-compaction: puts what was made ready in the place of what the log had below an offset. The entries that nobody reads any
-- more go by purge-slice.
--
-- KEYS[1] meta        hash    the shard's bounds; read and written
-- KEYS[2] compacted   stream  what the last compaction left; becomes KEYS[4]
-- KEYS[3] compacting  stream  becomes KEYS[2]
-- KEYS[4] replaced    stream  not there
-- KEYS[5] aborted     zset    aborted transactions; those whose markers went are removed
--
-- ARGV[1] the claim (begin-compaction)
-- ARGV[2] the start of the log when it was begun
-- ARGV[3] the offset up to which readers find the log in `compacted` from now on
-- ARGV[4] bytes that are gone
-- ARGV[5] the shard's name in messages
-- ARGV[6] channel for messages
-- then two for each marker that went: its offset, and the producer's id
--
-- Returns {'ok'}
--         {'superseded'}  somebody else has the claim now
--         {'moved'}       the log was trimmed meanwhile
--         {'shardNotFound'}
--
-- One step: readers have the one or the other. `compacted` in meta is '<offset> <how often>', and changes with each compaction, so
-- that a reader knows by it whether what it read was what it took it for.
local metaKey, compactedKey, compactingKey, replacedKey, abortedKey = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local claim, start, to, gone, shard, channel = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6]

local meta = redis.call('HMGET', metaKey, 'start', 'compacting', 'compacted', 'size', 'end', 'watermark', 'unstable',
  'lastAborted')
if not meta[1] then return {'shardNotFound'} end
if meta[2] ~= claim then return {'superseded'} end
if meta[1] ~= start then return {'moved'} end

if redis.call('EXISTS', compactedKey) == 1 then redis.call('RENAME', compactedKey, replacedKey) end
if redis.call('EXISTS', compactingKey) == 1 then redis.call('RENAME', compactingKey, compactedKey) end
local before = tonumber(meta[3] and string.match(meta[3], '%d+$') or 0)
redis.call('HSET', metaKey, 'compacted', to .. ' ' .. string.format('%.0f', before + 1),
  'size', string.format('%.0f', tonumber(meta[4]) - gone))
redis.call('HDEL', metaKey, 'compacting')
for at = 7, #ARGV, 2 do
  local offset, producerId = ARGV[at], ARGV[at + 1]
  for _, range in ipairs(redis.call('ZRANGEBYSCORE', abortedKey, offset, offset)) do
    if string.match(range, '^%d+') == producerId then redis.call('ZREM', abortedKey, range) end
  end
end
local watermark = tonumber(meta[6])
local stable = meta[7] and math.max(tonumber(meta[1]), math.min(tonumber(meta[7]), watermark)) or watermark
redis.call('PUBLISH', channel, 'compacted ' .. shard .. ' ' .. meta[1] .. ' ' .. meta[5] .. ' ' .. meta[6] .. ' '
  .. string.format('%.0f', stable) .. ' ' .. (meta[8] or '-1'))
return {'ok'}
