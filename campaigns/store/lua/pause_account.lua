-- Pauses an account, or resumes it. A pause is only ever made longer, except by resuming.
-- KEYS: 1 account, 2 events, 3 audit, 4.. accounts of each queue
-- ARGV: 1 now (ms or 0), 2 account, 3 ms to pause (0: resume), 4 reason, 5 'all' requests or only 'paid' ones, 6 data
--       of the event (JSON object), 7 act of a person who resumes it (JSON object) or '', 8 its cause, one of few words
-- Emits: account.paused, account.resumed.
-- Returns: unix ms until which the account is paused (0: it does not).
-- @include head, clock, event, acts
local account_key, events, audit, queues = KEYS[1], KEYS[2], KEYS[3], keys_from(4)
local now = clock(ARGV[1])
local source = 'accounts/' .. ARGV[2]
local function number(name) return tonumber(redis.call('HGET', account_key, name) or '0') end
if ARGV[3] == '0' then
  local last = math.max(number('all_until_ms'), number('paid_until_ms'), number('budget_until_ms'))
  if last > now or number('open_until_ms') > 0 then
    emit(events, account_key, source, 'account.resumed', ARGV[2], ARGV[6], now)
    note_act(audit, ARGV[7], '', now)
  end
  redis.call('HDEL', account_key, 'all_until_ms', 'all_reason', 'all_cause', 'paid_until_ms', 'paid_reason',
    'paid_cause', 'budget_until_ms', 'budget_reason', 'budget_short', 'budget_campaign', 'failures', 'open_until_ms',
    'open_reason', 'trips', 'probe', 'probe_until_us')
  for _, accounts in ipairs(queues) do redis.call('ZADD', accounts, 'XX', 'LT', now, ARGV[2]) end
  return 0
end
local until_name, longer = ARGV[5] .. '_until_ms', now + tonumber(ARGV[3])
local until_ms = number(until_name)
if longer <= until_ms then return until_ms end
redis.call('HSET', account_key, until_name, longer, ARGV[5] .. '_reason', ARGV[4], ARGV[5] .. '_cause', ARGV[8])
if number('open_until_ms') == 0 then redis.call('HDEL', account_key, 'failures') end
if until_ms <= now then
  emit(events, account_key, source, 'account.paused', ARGV[2], merged('"reason":' .. cjson.encode(ARGV[4]) ..
    ',"requests":"' .. ARGV[5] .. '","until_ms":' .. longer, ARGV[6]), now)
end
return longer
