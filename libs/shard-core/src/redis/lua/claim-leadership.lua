-- claim-leadership: the leader epoch for a primary that this process has connected to.
--
-- KEYS[1] primaries  hash  replication id -> the epoch it brought; `epoch` -> the last one; read and written
--
-- ARGV[1] the primary's replication id (it changes with each promotion and restart)
--
-- Returns {'ok', epoch}  one more than the last when this primary was not seen before, else the last
--
-- One step, so that all processes that see one failover agree on one epoch. Of the ids only the newest are kept.
local primariesKey = KEYS[1]
local id = ARGV[1]
local IDS_MAX = 256

if redis.call('HEXISTS', primariesKey, id) == 0 then
  local known = redis.call('HGET', primariesKey, 'epoch')
  local epoch = known and string.format('%.0f', tonumber(known) + 1) or '0'
  if redis.call('HLEN', primariesKey) > IDS_MAX then redis.call('UNLINK', primariesKey) end
  redis.call('HSET', primariesKey, id, epoch, 'epoch', epoch)
end
return {'ok', redis.call('HGET', primariesKey, 'epoch')}
