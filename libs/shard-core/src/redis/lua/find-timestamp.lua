-- find-timestamp: the first visible batch whose time is at or after a target.
--
-- KEYS[1] log        stream  searched
-- KEYS[2] meta       hash    the shard's bounds; read
-- KEYS[3] compacted  stream  searched in the place of what the log had below the offset that meta tells
--
-- ARGV[1] the target in ms; ignored for `largest`
-- ARGV[2] append: by append time; record: by the batch's largest record timestamp; largest: the first batch that has
--         the largest record timestamp of all
--
-- Returns {'found', base, time}
--         {'none'}                    no visible batch is that late
--         {'scan', start, watermark, compacted}
--                                     records that are gone, below the start or by compaction, hide the answer (by record
--                                     timestamp only): look at the entries one by one; compacted as in meta, or empty
--         {'shardNotFound'}
--
-- One step, because a search over a moving log would need a trip for each of its up to 53 probes. Each probe reads one
-- entry, which holds at most some 16 KiB (larger batches lie beside the stream).
local logKey, metaKey, compactedKey = KEYS[1], KEYS[2], KEYS[3]
local target, by = tonumber(ARGV[1]), ARGV[2]

local function whole(number) return string.format('%.0f', number) end

local meta = redis.call('HMGET', metaKey, 'start', 'watermark', 'compacted')
if not meta[1] then return {'shardNotFound'} end
local start, watermark = tonumber(meta[1]), tonumber(meta[2])
if start >= watermark then return {'none'} end

local compactedEnd = tonumber(meta[3] and string.match(meta[3], '^%d+') or 0)
local scan = {'scan', meta[1], meta[2], meta[3] or ''}

local function read(entry)
  local next, appendTime = string.match(entry[1], '^(%d+)-(%d+)$')
  local taken, own, time = string.match(entry[2][1], '^(%d+) %d+ (%S+) (%S+)')
  next = tonumber(next)
  -- `time` never goes back from entry to entry; `own` is what is answered.
  if by == 'append' then time, own = appendTime, appendTime end
  return {base = next - tonumber(taken), next = next, time = tonumber(time), own = tonumber(own)}
end
local function holding(offset)
  if offset < compactedEnd then
    local entry = redis.call('XRANGE', compactedKey, whole(offset + 1) .. '-0', '+', 'COUNT', 1)[1]
    if entry then return read(entry) end
    offset = compactedEnd
  end
  return read(redis.call('XRANGE', logKey, whole(offset + 1) .. '-0', '+', 'COUNT', 1)[1])
end

-- The highest ID with the watermark in front: the last visible entry.
local newest = redis.call('XREVRANGE', logKey, whole(watermark), '-', 'COUNT', 1)[1]
if not newest then return {'none'} end
local last = read(newest)
if last.next <= start then return {'none'} end
if by == 'largest' then target = last.time end
if last.time < target then return {'none'} end

local first = holding(start)
if first.time >= target then
  if first.own >= target then return {'found', whole(first.base), whole(first.own)} end
  return scan
end
-- All entries that end at or below `low` are too early, the one that holds `high` (or follows it) is late enough.
local low, high, answer = first.next, last.base, last
while low < high do
  local middle = math.floor((low + high) / 2)
  local entry = holding(middle)
  if entry.time >= target then
    high, answer = math.min(middle, entry.base), entry
  else
    low = entry.next
  end
end
-- The one that had that time was compacted away.
if answer.own < target then return scan end
return {'found', whole(answer.base), whole(answer.own)}
