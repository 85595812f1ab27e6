#!lua flags=allow-oom
-- delete-shard: drops a shard; its entries go by purge-slice.
--
-- KEYS[1] meta       hash  removed
-- KEYS[2] producers  hash  removed
-- KEYS[3] open       zset  removed
-- KEYS[4] aborted    zset  removed
-- KEYS[5] inherited  hash  removed
--
-- ARGV[1] the shard's name in messages
-- ARGV[2] channel for messages
--
-- Returns {'ok'}  also when there was none
--
-- One step, so that no append finds the bounds without the producers' state.
local metaKey, producersKey, openKey, abortedKey, inheritedKey = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local shard, channel = ARGV[1], ARGV[2]

redis.call('UNLINK', metaKey, producersKey, openKey, abortedKey, inheritedKey)
redis.call('PUBLISH', channel, 'deleted ' .. shard .. ' 0 0 0 0 -1')
return {'ok'}
