-- append-batch: appends one RecordBatch to a shard's log.
--
-- KEYS[1] log        stream  one entry a batch, see below; written
-- KEYS[2] meta       hash    the shard's bounds; read and written
-- KEYS[3] producers  hash    producer id -> its epoch and last five appends (MessagePack); read and written
-- KEYS[4] temporary  string  the batch, when ARGV[8] is empty; renamed to the entry's payload key
--
-- ARGV[1] now, in ms since 1970; empty: this server's clock
-- ARGV[2] offsets that the batch takes (last offset delta + 1)
-- ARGV[3] bytes of the batch
-- ARGV[4] largest record timestamp in the batch, in ms
-- ARGV[5] copies (the primary among them) behind which the high watermark stays; 1: it moves at once
-- ARGV[6] the shard's name in messages
-- ARGV[7] channel for messages
-- ARGV[8] the batch; empty: it lies under KEYS[4]
-- ARGV[9] producer id, ARGV[10] producer epoch, ARGV[11] base sequence; all absent for a plain producer
--
-- The entry's ID is <last offset + 1>-<append time ms>, so `XRANGE log (O+1)-0 +` begins with the batch that holds
-- offset O, and the append time costs no field. It has one field, whose value is the batch and whose name says what is
-- worth knowing of it: '<offsets taken> <bytes> <largest record timestamp> <the largest of those of the log up to here>'
-- (the last never goes back, which makes it searchable). With an empty value the batch is the string
-- <log without ":log">:payload:<base offset>, in the same slot. Five fields with names of their own cost readers twice
-- the time: they are ten strings an entry to take apart.
--
-- Returns {'ok', base, next, append time, start, watermark}
--         {'duplicate', base, next, append time, start}      the producer's repetition; nothing written
--         {'shardNotFound'} {'shardSealed'}
--         {'staleProducerEpoch', current epoch}
--         {'outOfOrderSequence', expected sequence} {'duplicateSequence'}
--         {'payloadMissing'}                                 KEYS[4] expired or was evicted; nothing written
-- Offsets, times and sequences are decimal strings, exact to 2^53.
--
-- One step, because two processes may append to one shard at once: what was checked must still be true when the entry
-- is written, and the offsets must have no gap and no double.
local logKey, metaKey, producersKey, temporaryKey = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now, taken, size = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local timestamp, copies = tonumber(ARGV[4]), tonumber(ARGV[5])
local shard, channel, batch = ARGV[6], ARGV[7], ARGV[8]
local producerId, producerEpoch, baseSequence = ARGV[9], tonumber(ARGV[10]), tonumber(ARGV[11])

local SEQUENCES = 2147483648
local APPENDS_REMEMBERED = 5
local APPEND_FIELDS = 5
-- Bounds the hash: ids of producers that never come back would pile up. The longest silent of a sample makes room.
local PRODUCERS_MAX = 20000
local PRODUCERS_SAMPLED = 16

local function whole(number) return string.format('%.0f', number) end

local meta = redis.call('HMGET', metaKey,
  'end', 'start', 'watermark', 'appendTime', 'maxTimestamp', 'size', 'copies', 'sealed', 'armed')
if not meta[1] then return {'shardNotFound'} end
if meta[8] then return {'shardSealed'} end

-- Flat: epoch, then five fields an append: first sequence, last sequence, base, next, append time.
local appends
if producerId then
  local known = redis.call('HGET', producersKey, producerId)
  appends = known and cmsgpack.unpack(known)
  if appends and producerEpoch < appends[1] then return {'staleProducerEpoch', whole(appends[1])} end
  if appends and producerEpoch > appends[1] then
    if baseSequence ~= 0 then return {'outOfOrderSequence', '0'} end
    appends = {producerEpoch}
  elseif appends then
    local lastSequence = (baseSequence + taken - 1) % SEQUENCES
    for at = 2, #appends, APPEND_FIELDS do
      if appends[at] == baseSequence and appends[at + 1] == lastSequence then
        return {'duplicate', whole(appends[at + 2]), whole(appends[at + 3]), whole(appends[at + 4]), meta[2]}
      end
    end
    local expected = (appends[#appends - APPEND_FIELDS + 2] + 1) % SEQUENCES
    if baseSequence ~= expected then
      -- Sequences wrap, so older and newer are told apart by the shorter way round.
      if (baseSequence - expected) % SEQUENCES >= SEQUENCES / 2 then return {'duplicateSequence'} end
      return {'outOfOrderSequence', whole(expected)}
    end
  else
    -- It may begin anywhere (KIP-360): it was forgotten, or wrote to this shard's parent before.
    appends = {producerEpoch}
    if redis.call('HLEN', producersKey) >= PRODUCERS_MAX then
      local sample = redis.call('HRANDFIELD', producersKey, PRODUCERS_SAMPLED, 'WITHVALUES')
      local oldest, oldestTime
      for at = 1, #sample, 2 do
        local state = cmsgpack.unpack(sample[at + 1])
        if not oldestTime or state[#state] < oldestTime then oldest, oldestTime = sample[at], state[#state] end
      end
      redis.call('HDEL', producersKey, oldest)
    end
  end
end

if batch == '' and redis.call('EXISTS', temporaryKey) == 0 then return {'payloadMissing'} end

if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local appendTime = whole(math.max(now, tonumber(meta[4])))
local base, next = meta[1], whole(tonumber(meta[1]) + taken)
local maxTimestamp = whole(math.max(timestamp, tonumber(meta[5])))

if batch == '' then
  local payloadKey = string.sub(logKey, 1, -4) .. 'payload:' .. base
  redis.call('RENAME', temporaryKey, payloadKey)
  redis.call('PERSIST', payloadKey)
end
local facts = ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4] .. ' ' .. maxTimestamp
redis.call('XADD', logKey, next .. '-' .. appendTime, facts, batch)
local watermark = copies <= 1 and next or meta[3]
redis.call('HSET', metaKey, 'end', next, 'watermark', watermark, 'appendTime', appendTime,
  'maxTimestamp', maxTimestamp, 'size', whole(tonumber(meta[6]) + size))
if meta[7] ~= ARGV[5] then redis.call('HSET', metaKey, 'copies', ARGV[5]) end

if appends then
  local lastSequence = (baseSequence + taken - 1) % SEQUENCES
  for _, field in ipairs({baseSequence, lastSequence, tonumber(base), tonumber(next), tonumber(appendTime)}) do
    appends[#appends + 1] = field
  end
  while #appends > 1 + APPENDS_REMEMBERED * APPEND_FIELDS do
    for _ = 1, APPEND_FIELDS do table.remove(appends, 2) end
  end
  redis.call('HSET', producersKey, producerId, cmsgpack.pack(appends))
end

-- Somebody waits. Behind replicas the flag stays for advance-watermark: this message only says that there is an end
-- above the watermark, so that another process takes over should this one die in between.
if meta[9] then
  if copies <= 1 then redis.call('HDEL', metaKey, 'armed') end
  redis.call('PUBLISH', channel, 'appended ' .. shard .. ' ' .. meta[2] .. ' ' .. next .. ' ' .. watermark)
end
return {'ok', base, next, appendTime, meta[2], watermark}
