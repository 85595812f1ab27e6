#!lua flags=allow-oom
-- purge-slice: frees the oldest entries of a log, with their payloads: those below the start, or all of a log whose
-- shard was deleted. At most so many at a time, because freeing 200 MiB at once stops Redis for 11 ms.
--
-- KEYS[1] log   stream  the oldest entries are removed; the key too, when the shard is gone and nothing is left
-- KEYS[2] meta  hash    the start is read, the size is written
--
-- ARGV[1] entries to look at, at most
-- ARGV[2] bytes to free, about (it stops behind the entry that reaches it)
--
-- Returns {'ok', more}  more: 1 when another slice is worth asking for, else 0
--
-- One step, so that entry, payload and size go together.
local logKey, metaKey = KEYS[1], KEYS[2]
local entriesMax, bytesMax = tonumber(ARGV[1]), tonumber(ARGV[2])

local payloadPrefix = string.sub(logKey, 1, -4) .. 'payload:'
local meta = redis.call('HMGET', metaKey, 'start', 'size')
local deleted = not meta[1]
local start = tonumber(meta[1] or 0)

local entries = redis.call('XRANGE', logKey, '-', '+', 'COUNT', entriesMax)
local cut, bytes = nil, 0
for _, entry in ipairs(entries) do
  local next = tonumber(string.match(entry[1], '^%d+'))
  if (not deleted and next > start) or bytes >= bytesMax then break end
  local taken, size = string.match(entry[2][1], '^(%d+) (%d+)')
  bytes = bytes + tonumber(size)
  if entry[2][2] == '' then
    redis.call('UNLINK', payloadPrefix .. string.format('%.0f', next - tonumber(taken)))
  end
  cut = next
end
if not cut then
  if deleted then redis.call('UNLINK', logKey) end
  return {'ok', 0}
end
redis.call('XTRIM', logKey, 'MINID', '=', string.format('%.0f', cut + 1) .. '-0')
if not deleted then
  redis.call('HSET', metaKey, 'size', string.format('%.0f', tonumber(meta[2]) - bytes))
end
return {'ok', 1}
