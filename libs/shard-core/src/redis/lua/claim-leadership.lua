-- claim-leadership: the leader epoch for a primary that this process has connected to.
--
-- KEYS[1] primaries  hash  replication id -> the epoch it brought; `epoch` -> the last one; read and written
--
-- ARGV[1] the primary's replication id (it changes with each promotion and restart)
-- ARGV[2] the newest epoch of which this process has heard; -1: of none
--
-- Returns {'ok', epoch}  a new one when this primary was not seen before, else the one it brought or the last
--
-- One step, so that all processes that see one failover agree on one epoch. Of the ids only the newest are kept.
--
-- An epoch must never come twice: records of both would pass for those of one. A failover may take back this very note, and
-- the process that asks next need not have heard of it; so a new epoch is at least the number of seconds since 2026.
local primariesKey = KEYS[1]
local id, heard = ARGV[1], tonumber(ARGV[2])
local IDS_MAX = 256
local YEAR_2026_S = 1767225600
local EPOCH_MAX = 2147483647

if redis.call('HEXISTS', primariesKey, id) == 0 then
  local last = math.max(tonumber(redis.call('HGET', primariesKey, 'epoch') or '-1'), heard)
  local seconds = tonumber(redis.call('TIME')[1]) - YEAR_2026_S
  local epoch = last < 0 and 0 or math.min(math.max(last + 1, seconds), EPOCH_MAX)
  local text = string.format('%.0f', epoch)
  if redis.call('HLEN', primariesKey) > IDS_MAX then redis.call('UNLINK', primariesKey) end
  redis.call('HSET', primariesKey, id, text, 'epoch', text)
end
return {'ok', redis.call('HGET', primariesKey, 'epoch')}
