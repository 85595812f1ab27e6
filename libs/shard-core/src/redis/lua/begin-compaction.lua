-- begin-compaction: lays claim to the place where what is left of a log is put together.
--
-- KEYS[1] meta        hash    the shard's bounds; the claim is written
-- KEYS[2] compacting  stream  looked at
-- KEYS[3] replaced    stream  looked at
--
-- ARGV[1] a name that nobody else has: of two that compact one shard at once, the first has lost its claim
--
-- Returns {'ok', start, compacted}  where the log begins now, and what meta says of the last compaction (empty: nothing)
--         {'leftover'}              of an earlier compaction: purge it, and ask again; the claim is laid already
--         {'shardNotFound'}
--
-- One step, because whoever compacted before must not add to what is begun here.
local metaKey, compactingKey, replacedKey = KEYS[1], KEYS[2], KEYS[3]
local claim = ARGV[1]

local meta = redis.call('HMGET', metaKey, 'start', 'compacted')
if not meta[1] then return {'shardNotFound'} end
redis.call('HSET', metaKey, 'compacting', claim)
if redis.call('EXISTS', compactingKey, replacedKey) > 0 then return {'leftover'} end
return {'ok', meta[1], meta[2] or ''}
