// Generated from lua/*.lua by lua/generate.ts: edit those and run it. See there why.
export const scriptTexts = {
  'acquire-lease': `-- acquire-lease: takes or renews a lease.
--
-- KEYS[1] held    hash    name -> holder, value and epoch (MessagePack); read and written
-- KEYS[2] names   zset    every name with score 0, for listing; written
-- KEYS[3] expiry  zset    name -> when it runs out, ms since 1970; read and written
-- KEYS[4] epoch   string  the last epoch given to any lease; written
--
-- ARGV[1] name  ARGV[2] holder  ARGV[3] time to live, ms  ARGV[4] value
-- ARGV[5] now, ms since 1970; empty: this server's clock
--
-- Returns {'held', holder, value, epoch, handed over}  handed over: '1' when it was not this holder's before, else '0'
--         {'refused', holder, value, epoch}            somebody else's
--
-- One step, so that two cannot both find it free. Epochs come from one counter, so that they grow even where nothing
-- remembers the lease any more. Clears away up to 100 leases that ran out, so that names do not pile up.
local heldKey, namesKey, expiryKey, epochKey = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local name, holder, ttl, value, now = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])

if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
for _, over in ipairs(redis.call('ZRANGEBYSCORE', expiryKey, '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('HDEL', heldKey, over)
  redis.call('ZREM', namesKey, over)
  redis.call('ZREM', expiryKey, over)
end

local packed = redis.call('HGET', heldKey, name)
local expires = packed and tonumber(redis.call('ZSCORE', expiryKey, name))
local current = expires and expires > now and cmsgpack.unpack(packed)
if current and current[1] ~= holder then return {'refused', current[1], current[2], current[3]} end

local epoch = current and current[3] or string.format('%.0f', redis.call('INCR', epochKey))
redis.call('HSET', heldKey, name, cmsgpack.pack({holder, value, epoch}))
redis.call('ZADD', namesKey, 0, name)
redis.call('ZADD', expiryKey, now + ttl, name)
return {'held', holder, value, epoch, current and '0' or '1'}
`,
  'add-compacted': `-- add-compacted: adds batches to what will be left of a log.
--
-- KEYS[1] log         stream  read
-- KEYS[2] meta        hash    the shard's bounds; read
-- KEYS[3] compacted   stream  what an earlier compaction left; read
-- KEYS[4] compacting  stream  written
--
-- ARGV[1] the claim (begin-compaction)
-- then four for each batch, in the order of the log:
--   its ID; its facts (append-batch), with the name of its payload as a fifth word where that is not its base offset;
--   \`keep\`: its bytes are those that the log has, \`inline\`: they come along, \`beside\`: they lie under a temporary key;
--   the bytes, or that key, or nothing
--
-- Returns {'ok'}
--         {'superseded'}      somebody else has the claim now
--         {'moved'}           the log was trimmed meanwhile: a batch is gone
--         {'payloadMissing'}  a temporary key expired or was evicted
--         {'shardNotFound'}
--
-- One step, so that nothing is added once the claim is lost; and bytes that stay need not leave Redis.
local logKey, metaKey, compactedKey, compactingKey = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local claim = ARGV[1]

local meta = redis.call('HMGET', metaKey, 'start', 'compacting', 'compacted')
if not meta[1] then return {'shardNotFound'} end
if meta[2] ~= claim then return {'superseded'} end
local compactedEnd = tonumber(meta[3] and string.match(meta[3], '^%d+') or 0)
local payloadPrefix = string.sub(logKey, 1, -4) .. 'payload:'

for at = 2, #ARGV, 4 do
  local id, facts, how, bytes = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  if how == 'keep' then
    local source = tonumber(string.match(id, '^%d+')) <= compactedEnd and compactedKey or logKey
    local entry = redis.call('XRANGE', source, id, id)[1]
    if not entry then return {'moved'} end
    bytes = entry[2][2]
  elseif how == 'beside' then
    if redis.call('EXISTS', bytes) == 0 then return {'payloadMissing'} end
    local payloadKey = payloadPrefix .. string.match(facts, '(%S+)$')
    redis.call('RENAME', bytes, payloadKey)
    redis.call('PERSIST', payloadKey)
    bytes = ''
  end
  redis.call('XADD', compactingKey, id, facts, bytes)
end
return {'ok'}
`,
  'advance-watermark': `-- advance-watermark: lets readers see what enough replicas hold.
--
-- KEYS[1] meta  hash  the shard's bounds; read and written
--
-- ARGV[1] the offset up to which enough replicas hold the log
-- ARGV[2] the shard's name in messages
-- ARGV[3] channel for messages
--
-- Returns {'ok', watermark, stable, last aborted} the watermark now, which never goes back
--         {'shardNotFound'}
--
-- One step, because two processes may advance one shard at once, the slower with an older offset.
local metaKey = KEYS[1]
local offset, shard, channel = tonumber(ARGV[1]), ARGV[2], ARGV[3]

local meta = redis.call('HMGET', metaKey, 'watermark', 'end', 'start', 'armed', 'unstable', 'lastAborted')
if not meta[1] then return {'shardNotFound'} end
local function stableAt(watermark)
  local unstable = tonumber(meta[5] or watermark)
  return string.format('%.0f', math.max(tonumber(meta[3]), math.min(unstable, tonumber(watermark))))
end
local lastAborted = meta[6] or '-1'
-- After a failover the end may lie below what the caller remembers.
local target = math.min(offset, tonumber(meta[2]))
if target <= tonumber(meta[1]) then return {'ok', meta[1], stableAt(meta[1]), lastAborted} end
local watermark = string.format('%.0f', target)
redis.call('HSET', metaKey, 'watermark', watermark)
if meta[4] then
  redis.call('HDEL', metaKey, 'armed')
  redis.call('PUBLISH', channel, 'appended ' .. shard .. ' ' .. meta[3] .. ' ' .. meta[2] .. ' ' .. watermark
    .. ' ' .. stableAt(watermark) .. ' ' .. lastAborted)
end
return {'ok', watermark, stableAt(watermark), lastAborted}
`,
  'append-batch': `-- append-batch: appends one RecordBatch to a shard's log.
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
-- The entry's ID is <last offset + 1>-<append time ms>, so \`XRANGE log (O+1)-0 +\` begins with the batch that holds
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
-- \`unstable\` in meta is the first score of …:open, \`lastAborted\` the last of …:aborted.
--
-- \`epochs\` in meta is '<leader epoch> <its first offset>,…', the oldest first; \`epoch\` the last of them. So where an epoch
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

-- \`unstable\` first: where no transaction is open, nobody pays for the look.
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
`,
  'arm-wake-up': `#!lua flags=allow-oom
-- arm-wake-up: asks for a message when readers may see a record at or above an offset, unless they may already.
--
-- KEYS[1] meta  hash  the shard's bounds; read, the flag \`armed\` is written
--
-- ARGV[1] the offset for readers below the high watermark; empty: there are none
-- ARGV[2] the same for readers below the last stable offset
--
-- Returns {'ready', start, end, watermark, sealed, copies, stable, last aborted}  one of them may go on
--         {'armed', start, end, watermark, sealed, copies, stable, last aborted}  a message will come
--         {'shardNotFound'}
--
-- \`sealed\` is 1 or 0. Of a sealed shard everybody may go on; committed readers when no transaction is open in it, and
-- release-transaction tells of that, flag or not.
--
-- One step: an append between the look and the flag would wake nobody. The flag is why shards on which nobody waits
-- cost no messages at all. Allowed when memory is full: it is a few bytes, and readers must go on.
local metaKey = KEYS[1]
local offset, stableOffset = tonumber(ARGV[1]), tonumber(ARGV[2])

local meta = redis.call('HMGET', metaKey, 'start', 'end', 'watermark', 'sealed', 'copies', 'armed', 'unstable',
  'lastAborted')
if not meta[1] then return {'shardNotFound'} end
local watermark, stable = tonumber(meta[3]), tonumber(meta[3])
if meta[7] then stable = math.max(tonumber(meta[1]), math.min(tonumber(meta[7]), watermark)) end
local state = 'armed'
if offset and (watermark > offset or meta[4]) then state = 'ready' end
if stableOffset and (stable > stableOffset or (meta[4] and stable == watermark)) then state = 'ready' end
if state == 'armed' and not meta[6] then redis.call('HSET', metaKey, 'armed', '1') end
return {state, meta[1], meta[2], meta[3], meta[4] and '1' or '0', meta[5], string.format('%.0f', stable),
  meta[8] or '-1'}
`,
  'begin-compaction': `-- begin-compaction: lays claim to the place where what is left of a log is put together.
--
-- KEYS[1] meta        hash    the shard's bounds; the claim is written
-- KEYS[2] compacting  stream  looked at
-- KEYS[3] replaced    stream  looked at
--
-- ARGV[1] a name that nobody else has: of two that compact one shard at once, the first has lost its claim
--
-- Returns {'ok', start, compacted}  where the log begins now, and what meta says of the last compaction (empty: nothing)
--         {'leftover'}              of an earlier compaction: purge it, and ask again; the claim is laid already
--         {'shardNotFound'}
--
-- One step, because whoever compacted before must not add to what is begun here.
local metaKey, compactingKey, replacedKey = KEYS[1], KEYS[2], KEYS[3]
local claim = ARGV[1]

local meta = redis.call('HMGET', metaKey, 'start', 'compacted')
if not meta[1] then return {'shardNotFound'} end
redis.call('HSET', metaKey, 'compacting', claim)
if redis.call('EXISTS', compactingKey, replacedKey) > 0 then return {'leftover'} end
return {'ok', meta[1], meta[2] or ''}
`,
  'claim-leadership': `-- claim-leadership: the leader epoch for a primary that this process has connected to.
--
-- KEYS[1] primaries  hash  replication id -> the epoch it brought; \`epoch\` -> the last one; read and written
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
`,
  'delete-shard': `#!lua flags=allow-oom
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
`,
  'find-timestamp': `-- find-timestamp: the first visible batch whose time is at or after a target.
--
-- KEYS[1] log        stream  searched
-- KEYS[2] meta       hash    the shard's bounds; read
-- KEYS[3] compacted  stream  searched in the place of what the log had below the offset that meta tells
--
-- ARGV[1] the target in ms; ignored for \`largest\`
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
  -- \`time\` never goes back from entry to entry; \`own\` is what is answered.
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
-- All entries that end at or below \`low\` are too early, the one that holds \`high\` (or follows it) is late enough.
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
`,
  'finish-compaction': `-- finish-compaction: puts what was made ready in the place of what the log had below an offset. The entries that nobody reads any
-- more go by purge-slice.
--
-- KEYS[1] meta        hash    the shard's bounds; read and written
-- KEYS[2] compacted   stream  what the last compaction left; becomes KEYS[4]
-- KEYS[3] compacting  stream  becomes KEYS[2]
-- KEYS[4] replaced    stream  not there
-- KEYS[5] aborted     zset    aborted transactions; those whose markers went are removed
--
-- ARGV[1] the claim (begin-compaction)
-- ARGV[2] the start of the log when it was begun
-- ARGV[3] the offset up to which readers find the log in \`compacted\` from now on
-- ARGV[4] bytes that are gone
-- ARGV[5] the shard's name in messages
-- ARGV[6] channel for messages
-- then two for each marker that went: its offset, and the producer's id
--
-- Returns {'ok'}
--         {'superseded'}  somebody else has the claim now
--         {'moved'}       the log was trimmed meanwhile
--         {'shardNotFound'}
--
-- One step: readers have the one or the other. \`compacted\` in meta is '<offset> <how often>', and changes with each compaction, so
-- that a reader knows by it whether what it read was what it took it for.
local metaKey, compactedKey, compactingKey, replacedKey, abortedKey = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local claim, start, to, gone, shard, channel = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6]

local meta = redis.call('HMGET', metaKey, 'start', 'compacting', 'compacted', 'size', 'end', 'watermark', 'unstable',
  'lastAborted')
if not meta[1] then return {'shardNotFound'} end
if meta[2] ~= claim then return {'superseded'} end
if meta[1] ~= start then return {'moved'} end

if redis.call('EXISTS', compactedKey) == 1 then redis.call('RENAME', compactedKey, replacedKey) end
if redis.call('EXISTS', compactingKey) == 1 then redis.call('RENAME', compactingKey, compactedKey) end
local before = tonumber(meta[3] and string.match(meta[3], '%d+$') or 0)
redis.call('HSET', metaKey, 'compacted', to .. ' ' .. string.format('%.0f', before + 1),
  'size', string.format('%.0f', tonumber(meta[4]) - gone))
redis.call('HDEL', metaKey, 'compacting')
for at = 7, #ARGV, 2 do
  local offset, producerId = ARGV[at], ARGV[at + 1]
  for _, range in ipairs(redis.call('ZRANGEBYSCORE', abortedKey, offset, offset)) do
    if string.match(range, '^%d+') == producerId then redis.call('ZREM', abortedKey, range) end
  end
end
local watermark = tonumber(meta[6])
local stable = meta[7] and math.max(tonumber(meta[1]), math.min(tonumber(meta[7]), watermark)) or watermark
redis.call('PUBLISH', channel, 'compacted ' .. shard .. ' ' .. meta[1] .. ' ' .. meta[5] .. ' ' .. meta[6] .. ' '
  .. string.format('%.0f', stable) .. ' ' .. (meta[8] or '-1'))
return {'ok'}
`,
  'hand-over-producers': `-- hand-over-producers: brings to a shard that is not there yet what another knows of producers.
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
`,
  'leave-partition': `-- leave-partition: has an open shard take no more appends of idempotent producers for a Kafka partition.
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
`,
  'list-leases': `#!lua flags=no-writes
-- list-leases: the leases in force under a prefix, in name order.
--
-- KEYS[1] held    hash  name -> holder, value and epoch (MessagePack); read
-- KEYS[2] names   zset  read
-- KEYS[3] expiry  zset  name -> when it runs out, ms since 1970; read
--
-- ARGV[1] prefix  ARGV[2] leases at most
-- ARGV[3] now, ms since 1970; empty: this server's clock
--
-- Returns {'ok', name, holder, value, epoch, name, holder, …}
--
-- One step, so that a lease that changes hands meanwhile is listed once, with one holder.
local heldKey, namesKey, expiryKey = KEYS[1], KEYS[2], KEYS[3]
local prefix, limit, now = ARGV[1], ARGV[2], tonumber(ARGV[3])

if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local answer = {'ok'}
-- No UTF-8 text holds the byte 255, so prefix + 255 is behind every name with the prefix.
for _, name in ipairs(redis.call('ZRANGEBYLEX', namesKey, '[' .. prefix, '(' .. prefix .. '\\255', 'LIMIT', 0, limit)) do
  local packed, expires = redis.call('HGET', heldKey, name), redis.call('ZSCORE', expiryKey, name)
  if packed and expires and tonumber(expires) > now then
    local lease = cmsgpack.unpack(packed)
    for _, field in ipairs({name, lease[1], lease[2], lease[3]}) do answer[#answer + 1] = field end
  end
end
return answer
`,
  'list-producers': `-- list-producers: some of the producers that a shard knows.
--
-- KEYS[1] producers  hash  read (append-batch.lua says what is in it)
-- KEYS[2] open       zset  open transactions; read
--
-- ARGV[1] where the last call has stopped; 0 at first
-- ARGV[2] how many to look at, about
--
-- Returns {'ok', where to go on, then in sevens: producer id, partition, epoch, last sequence (-1: none), time of the
--          newest append, coordinator epoch (-1: none), offset of the first record of its open transaction (-1: none)}
--          It goes on at 0 when all were seen; one may come twice.
--
-- One step only because the values are MessagePack, which Lua takes apart here and nobody else does.
local producersKey, openKey = KEYS[1], KEYS[2]
local cursor, count = ARGV[1], ARGV[2]

local function whole(number) return string.format('%.0f', number) end

local EPOCH, COORDINATOR, TIME, HEAD, APPEND_FIELDS = 1, 3, 4, 4, 5
local page = redis.call('HSCAN', producersKey, cursor, 'COUNT', count)
local answer = {'ok', page[1]}
for at = 1, #page[2], 2 do
  local producerId, partition = string.match(page[2][at], '^(%d+):(%d+)$')
  local producer = cmsgpack.unpack(page[2][at + 1])
  local lastSequence = #producer > HEAD and producer[#producer - APPEND_FIELDS + 2] or -1
  local first = redis.call('ZSCORE', openKey, producerId)
  for _, value in ipairs({producerId, partition, whole(producer[EPOCH]), whole(lastSequence), whole(producer[TIME]),
    whole(producer[COORDINATOR]), first and whole(tonumber(first)) or '-1'}) do
    answer[#answer + 1] = value
  end
end
return answer
`,
  'move-start': `#!lua flags=allow-oom
-- move-start: forgets the records below an offset; readers see it at once, the space comes back by purge-slice.
--
-- KEYS[1] meta     hash  the shard's bounds; read and written
-- KEYS[2] aborted  zset  aborted transactions; those that lie before the start are removed
--
-- ARGV[1] the new start
-- ARGV[2] the shard's name in messages
-- ARGV[3] channel for messages
--
-- Returns {'ok', start}                    the start now, which never goes back
--         {'offsetOutOfRange', start, end} above the high watermark
--         {'shardNotFound'}
--
-- One step, so that of two processes the further start wins. Allowed when memory is full: it is what frees memory.
local metaKey, abortedKey = KEYS[1], KEYS[2]
local before, shard, channel = tonumber(ARGV[1]), ARGV[2], ARGV[3]

local meta = redis.call('HMGET', metaKey, 'start', 'end', 'watermark', 'unstable', 'lastAborted')
if not meta[1] then return {'shardNotFound'} end
if before > tonumber(meta[3]) then return {'offsetOutOfRange', meta[1], meta[2]} end
if before <= tonumber(meta[1]) then return {'ok', meta[1]} end
redis.call('HSET', metaKey, 'start', ARGV[1])
if meta[5] then redis.call('ZREMRANGEBYSCORE', abortedKey, '-inf', '(' .. ARGV[1]) end
local stable = meta[4] and math.max(before, math.min(tonumber(meta[4]), tonumber(meta[3]))) or tonumber(meta[3])
redis.call('PUBLISH', channel, 'trimmed ' .. shard .. ' ' .. ARGV[1] .. ' ' .. meta[2] .. ' ' .. meta[3]
  .. ' ' .. string.format('%.0f', stable) .. ' ' .. (meta[5] or '-1'))
return {'ok', ARGV[1]}
`,
  'open-shard': `-- open-shard: makes an empty log.
--
-- KEYS[1] meta       hash    the shard's bounds; written when absent
-- KEYS[2] log        stream  looked at
-- KEYS[3] producers  hash    what hand-over-producers has brought is kept from now on
-- KEYS[4] inherited  hash    the same
-- KEYS[5] compacted  stream  looked at
-- KEYS[6] compacting stream  looked at
-- KEYS[7] replaced   stream  looked at
--
-- ARGV[1] the first offset
-- ARGV[2] Kafka partitions whose producers were brought, as ',1,2,'; empty: none
-- ARGV[3] 1: it takes sealed batches alone; empty: any
-- ARGV[4] the leader epoch
--
-- Returns {'ok'}        made now, or there already
--         {'leftover'}  entries of a deleted shard of this name are still there: purge them first
--
-- One step, so that of two processes that open one shard neither resets what the other has appended to, and that it is
-- there with all its producers or not at all.
local metaKey, logKey, producersKey, inheritedKey, leftovers = KEYS[1], KEYS[2], KEYS[3], KEYS[4], {KEYS[5], KEYS[6], KEYS[7]}
local start, partitions, encrypted, leaderEpoch = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if redis.call('EXISTS', metaKey) == 1 then return {'ok'} end
if redis.call('EXISTS', logKey, unpack(leftovers)) > 0 then return {'leftover'} end
redis.call('HSET', metaKey, 'start', start, 'end', start, 'watermark', start, 'appendTime', '0',
  'maxTimestamp', '-1', 'size', '0', 'copies', '1', 'epoch', leaderEpoch,
  'epochs', leaderEpoch .. ' ' .. start)
if encrypted ~= '' then redis.call('HSET', metaKey, 'encrypted', encrypted) end
if partitions ~= '' then redis.call('HSET', metaKey, 'partitions', partitions) end
redis.call('PERSIST', producersKey)
redis.call('PERSIST', inheritedKey)
return {'ok'}
`,
  'purge-slice': `#!lua flags=allow-oom
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

-- Frees entries that end at or below \`limit\`. \`counted\`: of those above it, bytes count in the size of the shard.
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
`,
  'release-lease': `#!lua flags=allow-oom
-- release-lease: gives a lease up.
--
-- KEYS[1] held    hash  name -> holder, value and epoch (MessagePack); read and written
-- KEYS[2] names   zset  written
-- KEYS[3] expiry  zset  written
--
-- ARGV[1] name  ARGV[2] holder
--
-- Returns {'ok', released}  '1', or '0' when somebody else has it or nobody
--
-- One step, so that a holder whose lease ran out does not give up its successor's.
local heldKey, namesKey, expiryKey = KEYS[1], KEYS[2], KEYS[3]
local name, holder = ARGV[1], ARGV[2]

local packed = redis.call('HGET', heldKey, name)
if not packed or cmsgpack.unpack(packed)[1] ~= holder then return {'ok', '0'} end
redis.call('HDEL', heldKey, name)
redis.call('ZREM', namesKey, name)
redis.call('ZREM', expiryKey, name)
return {'ok', '1'}
`,
  'release-transaction': `-- release-transaction: ends a producer's transaction in a sealed shard, whose partition goes on elsewhere.
--
-- KEYS[1] meta     hash  the shard's bounds; read and written
-- KEYS[2] open     zset  open transactions; the producer's is removed
-- KEYS[3] aborted  zset  aborted ones; written when this one was
--
-- ARGV[1] producer id
-- ARGV[2] commit or abort
-- ARGV[3] the shard's name in messages
-- ARGV[4] channel for messages
--
-- Returns {'ok'}        also when none was open
--         {'unsealed'}  a marker must be appended; nothing was written
--         {'shardNotFound'}
--
-- One step, because readers may see what follows it as soon as it has ended, and must pass over it when it was aborted.
local metaKey, openKey, abortedKey = KEYS[1], KEYS[2], KEYS[3]
local producerId, decision, shard, channel = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local function whole(number) return string.format('%.0f', number) end

local meta = redis.call('HMGET', metaKey, 'end', 'start', 'watermark', 'sealed', 'lastAborted')
if not meta[1] then return {'shardNotFound'} end
local first = redis.call('ZSCORE', openKey, producerId)
if not first then return {'ok'} end
if not meta[4] then return {'unsealed'} end
redis.call('ZREM', openKey, producerId)
local oldest = redis.call('ZRANGE', openKey, 0, 0, 'WITHSCORES')[2]
local unstable = oldest and whole(tonumber(oldest))
if unstable then redis.call('HSET', metaKey, 'unstable', unstable) else redis.call('HDEL', metaKey, 'unstable') end
local lastAborted = meta[5] or '-1'
if decision == 'abort' then
  local last = whole(tonumber(meta[1]) - 1)
  local range = producerId .. ' ' .. whole(tonumber(first)) .. ' ' .. last .. ' ' .. (unstable or meta[1])
  redis.call('ZADD', abortedKey, last, range)
  redis.call('HSET', metaKey, 'lastAborted', last)
  lastAborted = last
end
local watermark = tonumber(meta[3])
local stable = unstable and math.max(tonumber(meta[2]), math.min(tonumber(unstable), watermark)) or watermark
redis.call('PUBLISH', channel, 'released ' .. shard .. ' ' .. meta[2] .. ' ' .. meta[1] .. ' ' .. meta[3]
  .. ' ' .. whole(stable) .. ' ' .. lastAborted)
return {'ok'}
`,
  'require-encryption': `-- require-encryption: from now on a shard takes sealed batches alone, or any again.
--
-- KEYS[1] meta  hash  the shard's bounds; written
--
-- ARGV[1] 1: sealed ones alone; empty: any
--
-- Returns {'ok'} {'shardNotFound'}
--
-- One step: a shard that is deleted meanwhile must not come back as half a one.
local metaKey = KEYS[1]
local required = ARGV[1]

if redis.call('HEXISTS', metaKey, 'end') == 0 then return {'shardNotFound'} end
if required == '' then redis.call('HDEL', metaKey, 'encrypted') else redis.call('HSET', metaKey, 'encrypted', '1') end
return {'ok'}
`,
  'seal-shard': `-- seal-shard: closes a shard to appends, for good.
--
-- KEYS[1] meta  hash  the shard's bounds; read and written
--
-- ARGV[1] the shard's name in messages
-- ARGV[2] channel for messages
--
-- Returns {'ok', end, watermark, copies}  also when it was sealed before
--         {'shardNotFound'}
--
-- One step: the end that is answered must be final.
local metaKey = KEYS[1]
local shard, channel = ARGV[1], ARGV[2]

local meta = redis.call('HMGET', metaKey, 'end', 'watermark', 'start', 'copies', 'sealed', 'unstable', 'lastAborted')
if not meta[1] then return {'shardNotFound'} end
if not meta[5] then
  redis.call('HSET', metaKey, 'sealed', '1')
  local stable = meta[6] and string.format('%.0f', math.min(tonumber(meta[6]), tonumber(meta[2]))) or meta[2]
  redis.call('PUBLISH', channel, 'sealed ' .. shard .. ' ' .. meta[3] .. ' ' .. meta[1] .. ' ' .. meta[2]
    .. ' ' .. stable .. ' ' .. (meta[7] or '-1'))
end
return {'ok', meta[1], meta[2], meta[4]}
`,
  'take-tokens': `-- take-tokens: takes tokens out of a bucket, or brings unspent ones back.
--
-- KEYS[1] bucket  string  '<tokens> <time in µs>'; absent: full; read and written, expires once it would be full
--
-- ARGV[1] rate per second  ARGV[2] capacity
-- ARGV[3] the least to take  ARGV[4] the most to take; both negative: that many are brought back
-- ARGV[5] now, µs since 1970; empty: this server's clock
--
-- Returns {'ok', granted, wait in ms}  granted 0: fewer than the least are there, and will be after the wait
--
-- One step, so that no token is granted twice.
local bucketKey = KEYS[1]
local rate, capacity = tonumber(ARGV[1]), tonumber(ARGV[2])
local least, most, now = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local tokens, since = capacity, now
local state = redis.call('GET', bucketKey)
if state then
  local before, at = string.match(state, '^(%S+) (%S+)$')
  -- A clock that goes back must not take tokens away, nor let the same time flow in twice.
  since = math.max(tonumber(at), now)
  tokens = math.min(capacity, tonumber(before) + (since - tonumber(at)) * rate / 1000000)
end

local granted, wait = 0, 0
if most < 0 then
  tokens = math.min(capacity, tokens - most)
elseif tokens >= least then
  granted = math.floor(math.min(most, tokens))
  -- \`least\` may be a fraction.
  if granted < least then granted = least end
  tokens = tokens - granted
else
  wait = math.ceil((least - tokens) / rate * 1000)
end
-- Whoever finds nothing makes a full bucket, which is what this one is by then.
local fullAfter = math.ceil((capacity - tokens) / rate * 1000) + 1000
redis.call('SET', bucketKey, string.format('%.17g %.0f', tokens, since), 'PX', string.format('%.0f', fullAfter))
return {'ok', string.format('%.17g', granted), string.format('%.0f', wait)}
`,
  'write-documents': `-- write-documents: writes and deletes documents, all or none.
--
-- KEYS[1] values   hash    document key -> '<version> <JSON>'; read and written
-- KEYS[2] index    zset    every document key with score 0, for listing in key order; written
-- KEYS[3] version  string  the last version given to any document; written
--
-- ARGV[1] channel for messages
-- ARGV[2…] four arguments a write: key, expected ('any', 'absent' or a version), 'set' or 'delete', value
--
-- Returns {'ok', version of the first write}  the others follow, each one more
--         {'conflict', which, current}        the first write (from 1) whose expectation was wrong, and what is there
--                                             ('<version> <JSON>' or nil); nothing was written
--
-- One step: that is compare-and-set. Versions come from one counter, so that a document that is made again goes on.
local valuesKey, indexKey, versionKey = KEYS[1], KEYS[2], KEYS[3]
local channel = ARGV[1]

for at = 2, #ARGV, 4 do
  local expected = ARGV[at + 1]
  if expected ~= 'any' then
    local current = redis.call('HGET', valuesKey, ARGV[at])
    local version = current and string.match(current, '^%d+') or 'absent'
    if version ~= expected then return {'conflict', (at + 2) / 4, current} end
  end
end

local count = (#ARGV - 1) / 4
local last = redis.call('INCRBY', versionKey, count)
local changed = {}
for at = 2, #ARGV, 4 do
  local key = ARGV[at]
  if ARGV[at + 2] == 'set' then
    local version = last - count + (at + 2) / 4
    redis.call('HSET', valuesKey, key, string.format('%.0f', version) .. ' ' .. ARGV[at + 3])
    redis.call('ZADD', indexKey, 0, key)
  else
    redis.call('HDEL', valuesKey, key)
    redis.call('ZREM', indexKey, key)
  end
  changed[#changed + 1] = key
end
redis.call('PUBLISH', channel, cjson.encode(changed))
return {'ok', string.format('%.0f', last - count + 1)}
`,
} as const;
