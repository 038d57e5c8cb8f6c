-- Records a person's word that the last change of the store's server lost nothing, for example because it was planned.
-- KEYS: 1 primary, 2 events, 3 audit
-- ARGV: 1 now (ms or 0), 2 by whom, 3 act (JSON object)
-- Emits: store.changed.
-- Returns: 1 the doubt is over, 0 there is none.
-- @include clock, acts, primary
local primary_key, events, audit = KEYS[1], KEYS[2], KEYS[3]
local known = redis.call('HMGET', primary_key, 'doubt', 'epoch', 'how')
if (known[1] or '0') == '0' then return 0 end
-- Later reports of workers do not renew the doubt.
redis.call('HSET', primary_key, 'doubt', 0, 'at_change', string.format('%.0f', MOST))
say_change(primary_key, events, known[3], known[2], false, ARGV[2] .. ' says that nothing was lost', clock(ARGV[1]))
note_act(audit, ARGV[3], '', clock(ARGV[1]))
return 1
