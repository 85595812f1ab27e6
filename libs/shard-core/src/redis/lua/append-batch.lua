-- append-batch: appends one RecordBatch to a shard's log.
--
-- KEYS[1] log        stream  one entry a batch, see below; written
-- KEYS[2] meta       hash    the shard's bounds; read and written
-- KEYS[3] producers  hash    <producer id>:<Kafka partition> -> what is known of it (MessagePack); read and written
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
-- ARGV[9] the leader epoch; where the shard knows a newer one already, that counts
-- All that follows is absent for a plain producer:
-- ARGV[10] producer id, ARGV[11] Kafka partition, ARGV[12] producer epoch, ARGV[13] base sequence (of a marker: ignored)
-- ARGV[14] the sequence with which a producer must begin of which nothing is known; empty: any
-- ARGV[15] write: the batch is part of a transaction; commit, abort: it is the marker that ends one; else empty
-- ARGV[16] coordinator epoch of a marker
-- ARGV[17] 1: a marker whose transaction was ended already in the shards that had the partition before, or that comes
--          from the shard that has it now
--
-- The entry's ID is <last offset + 1>-<append time ms>, so `XRANGE log (O+1)-0 +` begins with the batch that holds
-- offset O, and the append time costs no field. It has one field, whose value is the batch and whose name says what is
-- worth knowing of it: '<offsets taken> <bytes> <largest record timestamp> <the largest of those of the log up to here>'
-- (the last never goes back, which makes it searchable). With an empty value the batch is the string
-- <log without ":log">:payload:<base offset>, in the same slot. Five fields with names of their own cost readers twice
-- the time: they are ten strings an entry to take apart.
--
-- In the same slot as well, and only there when there were transactions:
--   …:open       zset  producer ids of open transactions, by the offset of their first record
--   …:aborted    zset  '<producer id> <first offset> <last offset> <stable offset once it had ended>', by last offset
--   …:inherited  hash  as producers -> names of shards in which its transaction is open still, with spaces between
-- `unstable` in meta is the first score of …:open, `lastAborted` the last of …:aborted.
--
-- `epochs` in meta is '<leader epoch> <its first offset>,…', the oldest first; `epoch` the last of them. So where an epoch
-- begins is noted in the step in which its first batch is written, and lost with that batch or not at all.
--
-- Returns {'ok', base, next, append time, start, watermark, stable, last aborted, leader epoch}
--         {'duplicate', base, next, append time, start}      the producer's repetition; nothing written
--         {'shardNotFound'} {'shardSealed'}                  also: its partition goes on in another shard
--         {'encryptionRequired'}                             the batch is plain; nothing written
--         {'staleProducerEpoch', current epoch} {'staleCoordinatorEpoch', current epoch}
--         {'outOfOrderSequence', expected sequence} {'duplicateSequence'}
--         {'transactionOpen'}                                its transaction is open, and the batch is outside of it
--         {'inherited', shards}                              end the transaction there first; nothing written
--         {'payloadMissing'}                                 KEYS[4] expired or was evicted; nothing written
-- Offsets, times and sequences are decimal strings, exact to 2^53.
--
-- One step, because two processes may append to one shard at once: what was checked must still be true when the entry
-- is written, and the offsets must have no gap and no double.
local logKey, metaKey, producersKey, temporaryKey = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now, taken, size = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local timestamp, copies = tonumber(ARGV[4]), tonumber(ARGV[5])
local shard, channel, batch = ARGV[6], ARGV[7], ARGV[8]
local leaderEpoch = ARGV[9]
local producerId, partition, producerEpoch, baseSequence = ARGV[10], ARGV[11], tonumber(ARGV[12]), tonumber(ARGV[13])
local mustBeginWith, transaction, coordinatorEpoch, ended = ARGV[14], ARGV[15], tonumber(ARGV[16]), ARGV[17] == '1'

local SEQUENCES = 2147483648
-- LEADER_EPOCHS_MAX of the contract.
local LEADER_EPOCHS_MAX = 32
local APPENDS_REMEMBERED = 5
local APPEND_FIELDS = 5
-- Bounds the hash: ids of producers that never come back would pile up. Whoever is new looks at some others and lets go
-- those that were silent for a day, as Kafka does; when there are too many, the longest silent of a larger sample.
local PRODUCERS_MAX = 20000
local PRODUCER_EXPIRY_MS = 86400000
local SAMPLED, SAMPLED_WHEN_FULL = 4, 16

local function whole(number) return string.format('%.0f', number) end
local meta = redis.call('HMGET', metaKey, 'end', 'start', 'watermark', 'appendTime', 'maxTimestamp', 'size', 'copies',
  'sealed', 'armed', 'unstable', 'lastAborted', 'departed', 'encrypted', 'epoch')
if not meta[1] then return {'shardNotFound'} end
if meta[8] then return {'shardSealed'} end
if meta[12] and producerId and not ended and string.find(meta[12], ',' .. partition .. ',', 1, true) then
  return {'shardSealed'}
end

-- A plain producer, by far the most frequent one, pays for nothing of what the others need.
local function besideLog(name) return string.sub(logKey, 1, -4) .. name end
local isMarker = transaction == 'commit' or transaction == 'abort'

-- Bit 14 of the attributes, which stand at byte 21: the batch is sealed. Markers hold no data and never are.
if meta[13] and not isMarker then
  local attributes = batch ~= '' and string.byte(batch, 22) or string.byte(redis.call('GETRANGE', temporaryKey, 21, 21))
  if attributes and math.floor(attributes / 64) % 2 == 0 then return {'encryptionRequired'} end
end

local function distance(from, to) return (to - from) % SEQUENCES end

-- Flat: epoch, the first sequence that was seen if that was not 0 (else -1), coordinator epoch, time of the newest
-- append; then five fields an append: first sequence, last sequence, base, next, append time.
local EPOCH, BEGAN, COORDINATOR, TIME, HEAD = 1, 2, 3, 4, 4
local producer, isNew
local field = producerId and producerId .. ':' .. partition
if producerId then
  local known = redis.call('HGET', producersKey, field)
  producer = known and cmsgpack.unpack(known)
  isNew = not producer
  if producer and producerEpoch < producer[EPOCH] then return {'staleProducerEpoch', whole(producer[EPOCH])} end
  if isMarker then
    if producer and coordinatorEpoch < producer[COORDINATOR] then
      return {'staleCoordinatorEpoch', whole(producer[COORDINATOR])}
    end
    local inherited = not ended and redis.call('HGET', besideLog('inherited'), field)
    if inherited then return {'inherited', inherited} end
    if not producer or producerEpoch > producer[EPOCH] then producer = {producerEpoch, -1, -1, 0} end
    producer[COORDINATOR] = math.max(producer[COORDINATOR], coordinatorEpoch)
  elseif not producer then
    -- It may begin anywhere (it was forgotten), unless an earlier batch is known to have failed.
    if mustBeginWith ~= '' and baseSequence ~= tonumber(mustBeginWith) then
      return {'outOfOrderSequence', mustBeginWith}
    end
    producer = {producerEpoch, baseSequence == 0 and -1 or baseSequence, -1, 0}
  elseif producerEpoch > producer[EPOCH] or #producer == HEAD then
    if baseSequence ~= 0 then return {'outOfOrderSequence', '0'} end
    producer = {producerEpoch, -1, producer[COORDINATOR], 0}
  else
    local lastSequence = (baseSequence + taken - 1) % SEQUENCES
    for at = HEAD + 1, #producer, APPEND_FIELDS do
      if producer[at] == baseSequence and producer[at + 1] == lastSequence then
        return {'duplicate', whole(producer[at + 2]), whole(producer[at + 3]), whole(producer[at + 4]), meta[2]}
      end
    end
    local expected = (producer[#producer - APPEND_FIELDS + 2] + 1) % SEQUENCES
    local began = producer[BEGAN]
    if baseSequence ~= expected then
      -- Sequences wrap, so older and newer are told apart by the shorter way round. Clients take duplicateSequence for
      -- success, so it is said only of what was here.
      local isOlder = distance(baseSequence, expected) <= SEQUENCES / 2
      local wasHere = began < 0 or distance(baseSequence, expected) <= distance(began, expected)
      if isOlder and wasHere then return {'duplicateSequence'} end
      return {'outOfOrderSequence', whole(expected)}
    end
    if began >= 0 and distance(began, baseSequence) >= SEQUENCES / 2 then producer[BEGAN] = -1 end
  end
end

-- `unstable` first: where no transaction is open, nobody pays for the look.
if producer and transaction == '' and meta[10] and redis.call('ZSCORE', besideLog('open'), producerId) then
  return {'transactionOpen'}
end
-- In a shard before this one: only of a producer of which nothing was appended here.
if producer and transaction == ''
  and (#producer == HEAD or producer[#producer - APPEND_FIELDS + 4] <= tonumber(meta[2]))
  and redis.call('HEXISTS', besideLog('inherited'), field) == 1 then
  return {'transactionOpen'}
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
  local payloadKey = besideLog('payload:') .. base
  redis.call('RENAME', temporaryKey, payloadKey)
  redis.call('PERSIST', payloadKey)
end
local facts = ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4] .. ' ' .. maxTimestamp
redis.call('XADD', logKey, next .. '-' .. appendTime, facts, batch)
local watermark = copies <= 1 and next or meta[3]
redis.call('HSET', metaKey, 'end', next, 'watermark', watermark, 'appendTime', appendTime,
  'maxTimestamp', maxTimestamp, 'size', whole(tonumber(meta[6]) + size))
if meta[7] ~= ARGV[5] then redis.call('HSET', metaKey, 'copies', ARGV[5]) end

if meta[14] ~= leaderEpoch then
  if meta[14] and tonumber(meta[14]) > tonumber(leaderEpoch) then
    leaderEpoch = meta[14]
  else
    local epochs = {}
    for epoch, first in string.gmatch(redis.call('HGET', metaKey, 'epochs') or '', '(%d+) (%d+)') do
      -- Nothing is left of one that begins where the next one does, or below the start with the next one.
      if #epochs > 0 and tonumber(first) <= tonumber(meta[2]) then table.remove(epochs) end
      if first ~= base then table.insert(epochs, epoch .. ' ' .. first) end
    end
    if #epochs >= LEADER_EPOCHS_MAX then table.remove(epochs, 2) end
    table.insert(epochs, leaderEpoch .. ' ' .. base)
    redis.call('HSET', metaKey, 'epoch', leaderEpoch, 'epochs', table.concat(epochs, ','))
  end
end

if isNew then
  local function awaitsMarker(name)
    return redis.call('HEXISTS', besideLog('inherited'), name) == 1
      or redis.call('ZSCORE', besideLog('open'), string.match(name, '^%d+')) ~= false
  end
  local full = redis.call('HLEN', producersKey) >= PRODUCERS_MAX
  -- A negative count: one may come twice, which is cheaper.
  local sample = redis.call('HRANDFIELD', producersKey, full and -SAMPLED_WHEN_FULL or -SAMPLED, 'WITHVALUES')
  local silentSince = tonumber(appendTime) - PRODUCER_EXPIRY_MS
  local oldest, oldestTime
  for at = 1, #sample, 2 do
    local time = cmsgpack.unpack(sample[at + 1])[TIME]
    if (time < silentSince or (full and time < (oldestTime or math.huge))) and not awaitsMarker(sample[at]) then
      if time < silentSince then redis.call('HDEL', producersKey, sample[at]) end
      oldest, oldestTime = sample[at], time
    end
  end
  if full and oldest then redis.call('HDEL', producersKey, oldest) end
  local partitions = redis.call('HGET', metaKey, 'partitions') or ','
  if not string.find(partitions, ',' .. partition .. ',', 1, true) then
    redis.call('HSET', metaKey, 'partitions', partitions .. partition .. ',')
  end
end

if producer then
  producer[TIME] = tonumber(appendTime)
  if not isMarker then
    local count = #producer
    if count == HEAD + APPENDS_REMEMBERED * APPEND_FIELDS then
      -- The oldest goes. By hand: table.remove moves all of the rest five times.
      count = count - APPEND_FIELDS
      for at = HEAD + 1, count do producer[at] = producer[at + APPEND_FIELDS] end
    end
    producer[count + 1], producer[count + 2] = baseSequence, (baseSequence + taken - 1) % SEQUENCES
    producer[count + 3], producer[count + 4] = tonumber(base), tonumber(next)
    producer[count + 5] = tonumber(appendTime)
  end
  redis.call('HSET', producersKey, field, cmsgpack.pack(producer))
end

local unstable, lastAborted = meta[10], meta[11] or '-1'
if transaction == 'write' then
  local opened = redis.call('ZADD', besideLog('open'), 'NX', base, producerId) == 1
  if opened and not unstable then
    unstable = base
    redis.call('HSET', metaKey, 'unstable', base)
  end
elseif isMarker then
  local openKey = besideLog('open')
  redis.call('HDEL', besideLog('inherited'), field)
  local first = redis.call('ZSCORE', openKey, producerId)
  if first then
    redis.call('ZREM', openKey, producerId)
    local oldest = redis.call('ZRANGE', openKey, 0, 0, 'WITHSCORES')[2]
    unstable = oldest and whole(tonumber(oldest))
    if unstable then redis.call('HSET', metaKey, 'unstable', unstable) else redis.call('HDEL', metaKey, 'unstable') end
    if transaction == 'abort' then
      local range = producerId .. ' ' .. whole(tonumber(first)) .. ' ' .. base .. ' ' .. (unstable or next)
      redis.call('ZADD', besideLog('aborted'), base, range)
      lastAborted = base
      redis.call('HSET', metaKey, 'lastAborted', base)
    end
  end
  -- It fences older epochs of the producer in every partition.
  for other in string.gmatch(redis.call('HGET', metaKey, 'partitions') or '', '%d+') do
    local name = producerId .. ':' .. other
    local known = other ~= partition and redis.call('HGET', producersKey, name)
    if known and cmsgpack.unpack(known)[EPOCH] < producerEpoch then
      redis.call('HSET', producersKey, name, cmsgpack.pack({producerEpoch, -1, coordinatorEpoch, tonumber(appendTime)}))
    end
  end
end
local stable = watermark
if unstable then
  stable = whole(math.max(tonumber(meta[2]), math.min(tonumber(unstable), tonumber(watermark))))
end

-- Somebody waits. Behind replicas the flag stays for advance-watermark: this message only says that there is an end
-- above the watermark, so that another process takes over should this one die in between.
if meta[9] then
  if copies <= 1 then redis.call('HDEL', metaKey, 'armed') end
  redis.call('PUBLISH', channel, 'appended ' .. shard .. ' ' .. meta[2] .. ' ' .. next .. ' ' .. watermark
    .. ' ' .. stable .. ' ' .. lastAborted)
end
return {'ok', base, next, appendTime, meta[2], watermark, stable, lastAborted, leaderEpoch}
