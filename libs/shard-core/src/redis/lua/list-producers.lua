-- list-producers: some of the producers that a shard knows.
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
