-- Records a person's word that the store lost its last writes, because it was restored from a backup.
-- KEYS: 1 primary, 2 events, 3 audit
-- ARGV: 1 now (ms or 0), 2 random text that names this call, 3 by whom, 4 act (JSON object)
-- Emits: store.changed.
-- Returns: 1
-- @include clock, acts, primary
local primary_key, events, audit = KEYS[1], KEYS[2], KEYS[3]
local now = clock(ARGV[1])
local known = redis.call('HMGET', primary_key, 'epoch', 'claims', 'changed_ms', 'since_ms', 'seen_ms', 'declared')
if known[6] == ARGV[2] then return 1 end
local epoch, why = tonumber(known[1] or '0') + 1, ARGV[3] .. ' says that the store was restored from a backup'
-- Workers that were started before this call have checked the store already: what counts is when it was seen before.
local started = known[3] and now - tonumber(known[3]) < 3600000
local since = (started and known[4]) or known[5] or '0'
redis.call('HSET', primary_key, 'epoch', epoch, 'how', 'restored', 'changed_ms', now, 'since_ms', since,
  'at_change', known[2] or '0', 'doubt', epoch, 'why', why, 'declared', ARGV[2])
redis.call('HDEL', primary_key, 'until_ms')
say_change(primary_key, events, 'restored', epoch, true, why, now)
note_act(audit, ARGV[4], '', now)
return 1
