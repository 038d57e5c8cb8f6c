-- Stores incoming messages, each once, with its event; opts out the phones of those that ask for it.
-- KEYS: 1 replies, 2 campaign, 3 events, 4 opt-outs of everything, 5 counter of opt-outs, 6 why they are, or the
--       opt-outs of the narrower scope, 7 messages in a row that did not reach a phone, 8 suppressed phones,
--       9 narrower scopes
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 batch id, 4 name of the scope that phones are opted out of, or '' for
--       everything, 5 the same in facts of the event (JSON, without the braces), then id, data (JSON object), phone to
--       opt out or ''; its phone that has been seen now, or ''
-- Emits: optout.added, reply.received.
-- Returns: number of replies that were new.
-- @include clock, counters, event, optouts, seen
local replies, campaign_key, events, everything, counter, notes = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local unreached, suppressed, scopes = KEYS[7], KEYS[8], KEYS[9]
local k = {everything = everything, scopes = scopes, notes = notes}
local now = clock(ARGV[1])
local new = 0
for i = 6, #ARGV, 4 do
  if redis.call('HSETNX', replies, ARGV[i], ARGV[i + 1]) == 1 then
    new = new + 1
    redis.call('HINCRBY', campaign_key, 'replies', 1)
    emit(events, campaign_key, ARGV[2], 'reply.received', ARGV[3], ARGV[i + 1], now)
    if ARGV[i + 3] ~= '' then note_seen(unreached, suppressed, {ARGV[i + 3]}) end
  end
  local why = 'reply ' .. ARGV[i] .. ' to campaign ' .. ARGV[2]
  if ARGV[i + 2] ~= '' and opt_out(k, ARGV[4], ARGV[i + 2], now, 'recipient', why) then
    redis.call('INCR', counter)
    emit(events, campaign_key, ARGV[2], 'optout.added', ARGV[3],
      '{"phone":' .. cjson.encode(ARGV[i + 2]) .. ',"reply":' .. cjson.encode(ARGV[i]) .. ',' .. ARGV[5] .. '}', now)
  end
end
tally(redis.call('HGET', campaign_key, 'account') or '', 'replies', new)
-- The keys of a campaign that is over expire together.
local life = redis.call('PTTL', campaign_key)
if life > 0 then redis.call('PEXPIRE', replies, life) end
return new
