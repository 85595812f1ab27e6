-- write-documents: writes and deletes documents, all or none.
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
