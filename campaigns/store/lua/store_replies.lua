-- Stores incoming messages, each once, with its event; opts out the phones of those that ask for it.
-- KEYS: 1 replies, 2 campaign, 3 events, 4 opt-outs, 5 their counter, 6 why they are
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 batch id, then id, data (JSON object), phone to opt out or ''
-- Returns: number of replies that were new.
local now = clock(ARGV[1])
local new = 0
for i = 4, #ARGV, 3 do
  if redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1]) == 1 then
    new = new + 1
    redis.call('HINCRBY', KEYS[2], 'replies', 1)
    emit(KEYS[3], KEYS[2], ARGV[2], 'reply.received', ARGV[3], ARGV[i + 1], now)
  end
  if ARGV[i + 2] ~= '' and redis.call('SADD', KEYS[4], ARGV[i + 2]) == 1 then
    redis.call('INCR', KEYS[5])
    redis.call('HSET', KEYS[6], ARGV[i + 2], string.format('%.0f:recipient|reply %s to campaign %s', now, ARGV[i], ARGV[2]))
    emit(KEYS[3], KEYS[2], ARGV[2], 'optout.added', ARGV[3],
      '{"phone":' .. cjson.encode(ARGV[i + 2]) .. ',"reply":' .. cjson.encode(ARGV[i]) .. '}', now)
  end
end
tally(redis.call('HGET', KEYS[2], 'account') or '', 'replies', new)
-- A campaign that is over already waits for its keys to expire.
local life = redis.call('PTTL', KEYS[2])
if life > 0 then redis.call('PEXPIRE', KEYS[1], life) end
return new
