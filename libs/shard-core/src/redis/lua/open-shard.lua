-- open-shard: makes an empty log.
--
-- KEYS[1] meta       hash    the shard's bounds; written when absent
-- KEYS[2] log        stream  looked at
-- KEYS[3] producers  hash    what hand-over-producers has brought is kept from now on
-- KEYS[4] inherited  hash    the same
-- KEYS[5] compacted  stream  looked at
-- KEYS[6] compacting stream  looked at
-- KEYS[7] replaced   stream  looked at
--
-- ARGV[1] the first offset
-- ARGV[2] Kafka partitions whose producers were brought, as ',1,2,'; empty: none
-- ARGV[3] 1: it takes sealed batches alone; empty: any
-- ARGV[4] the leader epoch
--
-- Returns {'ok'}        made now, or there already
--         {'leftover'}  entries of a deleted shard of this name are still there: purge them first
--
-- One step, so that of two processes that open one shard neither resets what the other has appended to, and that it is
-- there with all its producers or not at all.
local metaKey, logKey, producersKey, inheritedKey, leftovers = KEYS[1], KEYS[2], KEYS[3], KEYS[4], {KEYS[5], KEYS[6], KEYS[7]}
local start, partitions, encrypted, leaderEpoch = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if redis.call('EXISTS', metaKey) == 1 then return {'ok'} end
if redis.call('EXISTS', logKey, unpack(leftovers)) > 0 then return {'leftover'} end
redis.call('HSET', metaKey, 'start', start, 'end', start, 'watermark', start, 'appendTime', '0',
  'maxTimestamp', '-1', 'size', '0', 'copies', '1', 'epoch', leaderEpoch,
  'epochs', leaderEpoch .. ' ' .. start)
if encrypted ~= '' then redis.call('HSET', metaKey, 'encrypted', encrypted) end
if partitions ~= '' then redis.call('HSET', metaKey, 'partitions', partitions) end
redis.call('PERSIST', producersKey)
redis.call('PERSIST', inheritedKey)
return {'ok'}
