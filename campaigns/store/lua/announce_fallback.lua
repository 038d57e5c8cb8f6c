-- Announces recipients of one mailing whose message was not delivered in time, each of them once.
-- KEYS: 1 batch, 2 campaign, 3 events, 4 those of the mailing who were announced
-- ARGV: 1 now (ms or 0), 2 batch id, 3 campaign id, 4 version of the deliveries that were read, 5 most recipients of an
--       event, 6 data of the event without them (JSON object), 7 recipients (JSON array of rows as in the event; at
--       most 1000), 8 number of the mailing, 9 name of the pass over it (random), 10 number of these recipients in the
--       pass (from 1), 11 '1' if no others follow
-- Emits: deliveries.fallback_due.
-- Returns: 1 announced, now or by an earlier call; 0 and nothing written if deliveries changed since, or the batch is
--   not at the gateway, or its campaign has expired, or this server lacks the recipients before these: it took the
--   place of another.
-- @include clock, event
local batch_key, campaign_key, events, announced = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now = clock(ARGV[1])
local done, pass, part = 'fallback:' .. ARGV[8], ARGV[9], tonumber(ARGV[10])
local batch = redis.call('HMGET', batch_key, 'state', 'v', 'fallback_part', done)
if batch[4] then return 1 end
if (batch[1] ~= 'accepted' and batch[1] ~= 'settled') or batch[2] ~= ARGV[4] then return 0 end
if redis.call('EXISTS', campaign_key) == 0 then return 0 end
if part > 1 and batch[3] ~= pass .. (part - 1) and batch[3] ~= pass .. part then return 0 end
local due, most = {}, tonumber(ARGV[5])

local function report()
  local data = cjson.decode(ARGV[6])
  data.changes = due
  emit(events, campaign_key, ARGV[3], 'deliveries.fallback_due', ARGV[2], cjson.encode(data), now)
  due = {}
end

for _, row in ipairs(cjson.decode(ARGV[7])) do
  if redis.call('HSETNX', announced, row[1], now) == 1 then
    due[#due + 1] = row
    if #due == most then report() end
  end
end
if #due > 0 then report() end
-- Of a campaign that is not swept any more, nothing else would let them expire.
local left_ms = redis.call('PTTL', batch_key)
if left_ms >= 0 then redis.call('PEXPIRE', announced, left_ms) end
if ARGV[11] == '1' then
  redis.call('HSET', batch_key, done, now)
  redis.call('HDEL', batch_key, 'fallback_part')
else
  redis.call('HSET', batch_key, 'fallback_part', pass .. part)
end
return 1
