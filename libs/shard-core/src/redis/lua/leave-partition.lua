-- leave-partition: has an open shard take no more appends of idempotent producers for a Kafka partition.
--
-- KEYS[1] meta  hash  read and written
--
-- ARGV[1] the partition
--
-- Returns {'ok'}  also when it was so before, or the shard is sealed
--         {'shardNotFound'}
--
-- One step, so that two that leave at once are both remembered.
local metaKey = KEYS[1]
local partition = ARGV[1]

local meta = redis.call('HMGET', metaKey, 'end', 'sealed', 'departed')
if not meta[1] then return {'shardNotFound'} end
local departed = meta[3] or ','
if not meta[2] and not string.find(departed, ',' .. partition .. ',', 1, true) then
  redis.call('HSET', metaKey, 'departed', departed .. partition .. ',')
end
return {'ok'}
