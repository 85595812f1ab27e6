#!lua flags=allow-oom
-- purge-slice: frees the oldest entries of a log that nobody reads any more, with their payloads: those below the start, those that
-- a compaction has put others in the place of, or all of a log whose shard was deleted. At most so many at a time, because
-- freeing 200 MiB at once stops Redis for 11 ms.
--
-- KEYS[1] log         stream  the oldest entries are removed; the key too, when the shard is gone and nothing is left
-- KEYS[2] meta        hash    start and compacted are read, the size is written
-- KEYS[3] compacted   stream  what compaction left: the oldest entries are removed
-- KEYS[4] compacting  stream  of a compaction that has ended without effect: removed
-- KEYS[5] replaced    stream  what the last compaction replaced: removed
--
-- ARGV[1] entries to look at, at most
-- ARGV[2] bytes to free, about (it stops behind the entry that reaches it)
-- ARGV[3] the claim of whoever is about to compact, so that what is left of another compaction goes; else empty
--
-- Returns {'ok', more}  more: 1 when another slice is worth asking for, else 0
--
-- One step, so that entry, payload and size go together.
local logKey, metaKey, compactedKey, compactingKey, replacedKey = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local entriesMax, bytesMax, claim = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]

local payloadPrefix = string.sub(logKey, 1, -4) .. 'payload:'
local meta = redis.call('HMGET', metaKey, 'start', 'size', 'compacted', 'compacting')
local deleted = not meta[1]
local start = tonumber(meta[1] or 0)
local compactedEnd = tonumber(meta[3] and string.match(meta[3], '^%d+') or 0)

local function payloadOf(entry)
  if entry[2][2] ~= '' then return nil end
  local taken, name = string.match(entry[2][1], '^(%d+) %S+ %S+ %S+ ?(%S*)$')
  if name ~= '' then return name end
  return string.format('%.0f', tonumber(string.match(entry[1], '^%d+')) - tonumber(taken))
end

-- Whether what is left elsewhere has the same payload.
local function isHeld(holders, id, name)
  for _, key in ipairs(holders) do
    local other = redis.call('XRANGE', key, id, id)[1]
    if other and payloadOf(other) == name then return true end
  end
  return false
end

-- Frees entries that end at or below `limit`. `counted`: of those above it, bytes count in the size of the shard.
local function purge(key, limit, counted, holders)
  local cut, bytes, freed = nil, 0, 0
  for _, entry in ipairs(redis.call('XRANGE', key, '-', '+', 'COUNT', entriesMax)) do
    local next = tonumber(string.match(entry[1], '^%d+'))
    if next > limit or bytes >= bytesMax then break end
    local size = tonumber(string.match(entry[2][1], '^%d+ (%d+)'))
    bytes = bytes + size
    if next > counted then freed = freed + size end
    local name = payloadOf(entry)
    if name and not isHeld(holders, entry[1], name) then redis.call('UNLINK', payloadPrefix .. name) end
    cut = next
  end
  if not cut then return false end
  redis.call('XTRIM', key, 'MINID', '=', string.format('%.0f', cut + 1) .. '-0')
  if not deleted and freed > 0 then
    redis.call('HSET', metaKey, 'size', string.format('%.0f', tonumber(meta[2]) - freed))
  end
  return true
end

-- What was never or is no longer read goes first: it is no part of the size.
if redis.call('EXISTS', replacedKey) == 1 then
  if purge(replacedKey, math.huge, math.huge, {compactedKey}) then return {'ok', 1} end
  redis.call('UNLINK', replacedKey)
end
if (deleted or not meta[4] or meta[4] == claim) and redis.call('EXISTS', compactingKey) == 1 then
  if purge(compactingKey, math.huge, math.huge, {compactedKey, logKey}) then return {'ok', 1} end
  redis.call('UNLINK', compactingKey)
end
if meta[3] or deleted then
  if purge(compactedKey, deleted and math.huge or start, 0, {}) then return {'ok', 1} end
  if redis.call('XLEN', compactedKey) == 0 then redis.call('UNLINK', compactedKey) end
end
-- What was compacted has left the size when it was replaced.
if purge(logKey, deleted and math.huge or math.max(start, compactedEnd), compactedEnd, {compactedKey}) then
  return {'ok', 1}
end
if deleted then redis.call('UNLINK', logKey, compactedKey) end
return {'ok', 0}
