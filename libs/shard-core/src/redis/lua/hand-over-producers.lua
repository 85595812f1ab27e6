-- hand-over-producers: brings to a shard that is not there yet what another knows of producers.
--
-- KEYS[1] meta       hash  looked at: whether the shard is there
-- KEYS[2] producers  hash  written (append-batch.lua says what is in it)
-- KEYS[3] inherited  hash  written (the same)
--
-- ARGV[1] seconds after which both are gone, unless the shard has been opened by then
-- ARGV[2…] in threes: producer id and partition, what is known of it, names of shards in which its transaction is open
--
-- Returns {'ok'}
--         {'opened'}  somebody else has brought everything already; nothing was written
--
-- One step, because a shard that is there may know more of the producer by now. Bringing the same again changes nothing.
local metaKey, producersKey, inheritedKey = KEYS[1], KEYS[2], KEYS[3]
local seconds = ARGV[1]

if redis.call('EXISTS', metaKey) == 1 then return {'opened'} end
for at = 2, #ARGV, 3 do
  redis.call('HSET', producersKey, ARGV[at], ARGV[at + 1])
  if ARGV[at + 2] ~= '' then redis.call('HSET', inheritedKey, ARGV[at], ARGV[at + 2]) end
end
redis.call('EXPIRE', producersKey, seconds)
redis.call('EXPIRE', inheritedKey, seconds)
return {'ok'}
