-- open-shard: makes an empty log.
--
-- KEYS[1] meta  hash    the shard's bounds; written when absent
-- KEYS[2] log   stream  looked at
--
-- ARGV[1] the first offset
--
-- Returns {'ok'}        made now, or there already
--         {'leftover'}  entries of a deleted shard of this name are still there: purge them first
--
-- One step, so that of two processes that open one shard neither resets what the other has appended to.
local metaKey, logKey = KEYS[1], KEYS[2]
local start = ARGV[1]

if redis.call('EXISTS', metaKey) == 1 then return {'ok'} end
if redis.call('EXISTS', logKey) == 1 then return {'leftover'} end
redis.call('HSET', metaKey, 'start', start, 'end', start, 'watermark', start, 'appendTime', '0',
  'maxTimestamp', '-1', 'size', '0', 'copies', '1')
return {'ok'}
