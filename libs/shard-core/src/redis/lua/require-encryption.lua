-- require-encryption: from now on a shard takes sealed batches alone, or any again.
--
-- KEYS[1] meta  hash  the shard's bounds; written
--
-- ARGV[1] 1: sealed ones alone; empty: any
--
-- Returns {'ok'} {'shardNotFound'}
--
-- One step: a shard that is deleted meanwhile must not come back as half a one.
local metaKey = KEYS[1]
local required = ARGV[1]

if redis.call('HEXISTS', metaKey, 'end') == 0 then return {'shardNotFound'} end
if required == '' then redis.call('HDEL', metaKey, 'encrypted') else redis.call('HSET', metaKey, 'encrypted', '1') end
return {'ok'}
