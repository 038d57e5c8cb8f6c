-- Stores incoming messages, each once, with its event; opts out the phones of those that ask for it.
-- KEYS: 1 replies, 2 campaign, 3 events, 4 opt-outs, 5 their counter, 6 why they are, 7 messages in a row that did not
--       reach a phone, 8 suppressed phones
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 batch id, then id, data (JSON object), phone to opt out or ''; its
--       phone that has been seen now, or ''
-- Emits: optout.added, reply.received.
-- Returns: number of replies that were new.
-- @include clock, counters, event, seen
local replies, campaign_key, events, optouts, counter, reasons = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local unreached, suppressed = KEYS[7], KEYS[8]
local now = clock(ARGV[1])
local new = 0
for i = 4, #ARGV, 4 do
  if redis.call('HSETNX', replies, ARGV[i], ARGV[i + 1]) == 1 then
    new = new + 1
    redis.call('HINCRBY', campaign_key, 'replies', 1)
    emit(events, campaign_key, ARGV[2], 'reply.received', ARGV[3], ARGV[i + 1], now)
    if ARGV[i + 3] ~= '' then note_seen(unreached, suppressed, {ARGV[i + 3]}) end
  end
  if ARGV[i + 2] ~= '' and redis.call('SADD', optouts, ARGV[i + 2]) == 1 then
    redis.call('INCR', counter)
    local why = string.format('%.0f:recipient|reply %s to campaign %s', now, ARGV[i], ARGV[2])
    redis.call('HSET', reasons, ARGV[i + 2], why)
    emit(events, campaign_key, ARGV[2], 'optout.added', ARGV[3],
      '{"phone":' .. cjson.encode(ARGV[i + 2]) .. ',"reply":' .. cjson.encode(ARGV[i]) .. '}', now)
  end
end
tally(redis.call('HGET', campaign_key, 'account') or '', 'replies', new)
-- The keys of a campaign that is over expire together.
local life = redis.call('PTTL', campaign_key)
if life > 0 then redis.call('PEXPIRE', replies, life) end
return new
