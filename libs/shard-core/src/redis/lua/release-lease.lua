#!lua flags=allow-oom
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
