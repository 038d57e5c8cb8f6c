-- Lets suppressed phones be messaged again, and begins to count anew what does not reach them.
-- KEYS: 1 messages in a row that did not reach a phone, 2 suppressed phones, 3 audit
-- ARGV: 1 now (ms or 0), 2 act of a person (JSON object) or '', 3.. phones
-- Returns: number of phones that were suppressed.
-- @include clock, acts
local unreached, suppressed, audit = KEYS[1], KEYS[2], KEYS[3]
redis.call('HDEL', unreached, unpack(ARGV, 3))
local removed = redis.call('HDEL', suppressed, unpack(ARGV, 3))
if removed > 0 then note_act(audit, ARGV[2], removed, clock(ARGV[1])) end
return removed
