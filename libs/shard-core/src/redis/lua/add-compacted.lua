-- add-compacted: adds batches to what will be left of a log.
--
-- KEYS[1] log         stream  read
-- KEYS[2] meta        hash    the shard's bounds; read
-- KEYS[3] compacted   stream  what an earlier compaction left; read
-- KEYS[4] compacting  stream  written
--
-- ARGV[1] the claim (begin-compaction)
-- then four for each batch, in the order of the log:
--   its ID; its facts (append-batch), with the name of its payload as a fifth word where that is not its base offset;
--   `keep`: its bytes are those that the log has, `inline`: they come along, `beside`: they lie under a temporary key;
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
