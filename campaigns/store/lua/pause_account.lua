-- Pauses an account, or resumes it. A pause is only ever made longer, except by resuming.
-- KEYS: 1 account, 2 events, 3 audit, 4.. accounts of each queue
-- ARGV: 1 now (ms or 0), 2 account, 3 ms to pause (0: resume), 4 reason, 5 'all' requests or only 'paid' ones,
--       6 data of the event (JSON object), 7 act of a person who resumes it (JSON object) or '', 8 its cause, one of few
--       words
-- @include acts
-- Returns: unix ms until which the account is paused (0: it does not).
local now = clock(ARGV[1])
local source = 'accounts/' .. ARGV[2]
local function number(name) return tonumber(redis.call('HGET', KEYS[1], name) or '0') end
if ARGV[3] == '0' then
  if math.max(number('all_until_ms'), number('paid_until_ms')) > now or number('open_until_ms') > 0 then
    emit(KEYS[2], KEYS[1], source, 'account.resumed', ARGV[2], ARGV[6], now)
    note_act(KEYS[3], ARGV[7], '', now)
  end
  redis.call('HDEL', KEYS[1], 'all_until_ms', 'all_reason', 'all_cause', 'paid_until_ms', 'paid_reason', 'paid_cause',
    'failures', 'open_until_ms', 'open_reason', 'trips', 'probe', 'probe_until_us')
  for i = 4, #KEYS do redis.call('ZADD', KEYS[i], 'XX', 'LT', now, ARGV[2]) end
  return 0
end
local until_name, longer = ARGV[5] .. '_until_ms', now + tonumber(ARGV[3])
local until_ms = number(until_name)
if longer <= until_ms then return until_ms end
redis.call('HSET', KEYS[1], until_name, longer, ARGV[5] .. '_reason', ARGV[4], ARGV[5] .. '_cause', ARGV[8])
if number('open_until_ms') == 0 then redis.call('HDEL', KEYS[1], 'failures') end
if until_ms <= now then
  emit(KEYS[2], KEYS[1], source, 'account.paused', ARGV[2], merged('"reason":' .. cjson.encode(ARGV[4]) ..
    ',"requests":"' .. ARGV[5] .. '","until_ms":' .. longer, ARGV[6]), now)
end
return longer
