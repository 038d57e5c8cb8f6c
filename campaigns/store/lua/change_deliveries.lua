-- Writes what a poll changed in one mailing of a batch: rows, counters and events in one step, state before stream.
-- KEYS: 1 batch, 2 campaign, 3 events, 4 deliveries of the mailing, 5 messages in a row that did not reach a phone,
--       6 suppressed phones, 7 those of it whose fallback was announced, if the job asks for one
-- ARGV: 1 now (ms or 0), 2 op (random, names the call), 3 batch id, 4 campaign id, 5 version that the comparison
--       was made with, 6 number of deliveries that became final (may be negative),
--       7 what it raises of the account's numbers (JSON array of field, number, ...),
--       8 after how many messages in a row that did not reach a phone it is suppressed, or 0: never,
--       9 phones that were reached and 10 phones that were not (JSON arrays; '' if never),
--       11 number of counters C, then C times status word, difference,
--       then the rows as a JSON array of phone, value, phone, value, ... (at most 1000 rows; one argument, since
--       each costs a client as much as the row), then the data of each event (JSON object)
-- Emits: deliveries.changed, deliveries.late.
-- Returns: {1, version, final deliveries of the batch} written, now or by a repeated call;
--          {0, version} another poller wrote since, or the batch is not followed any more: read and compare again.
-- @include clock, counters, event, late, seen
local batch_key, campaign_key, events, deliveries = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local unreached, suppressed, announced = KEYS[5], KEYS[6], KEYS[7]
local now = clock(ARGV[1])
local batch = redis.call('HMGET', batch_key, 'v', 'intake_op', 'final', 'state', 'account')
if not batch[4] then return {0, '0'} end
if batch[2] == ARGV[2] then return {1, batch[1], tonumber(batch[3])} end
if batch[1] ~= ARGV[5] or batch[4] ~= 'accepted' then return {0, batch[1]} end
local version = redis.call('HINCRBY', batch_key, 'v', 1)
redis.call('HSET', batch_key, 'intake_op', ARGV[2])
local final = redis.call('HINCRBY', batch_key, 'final', ARGV[6])
if ARGV[6] ~= '0' then redis.call('HINCRBY', campaign_key, 'final', ARGV[6]) end
local at = 12
for i = at, at + 2 * tonumber(ARGV[11]) - 1, 2 do
  redis.call('HINCRBY', campaign_key, 's:' .. ARGV[i], ARGV[i + 1])
end
at = at + 2 * tonumber(ARGV[11])
if ARGV[8] ~= '0' then
  note_seen(unreached, suppressed, cjson.decode(ARGV[9]))
  note_unreached(unreached, suppressed, cjson.decode(ARGV[10]), tonumber(ARGV[8]), now)
end
local raised = cjson.decode(ARGV[7])
for i = 1, #raised, 2 do tally(batch[5] or '', raised[i], raised[i + 1]) end
local rows = cjson.decode(ARGV[at])
for i = 1, #rows, 500 do
  redis.call('HSET', deliveries, unpack(rows, i, math.min(i + 499, #rows)))
end
for i = at + 1, #ARGV do
  emit(events, campaign_key, ARGV[4], 'deliveries.changed', ARGV[3], ARGV[i], now)
  if announced then report_late(announced, events, campaign_key, ARGV[4], ARGV[3], ARGV[i], now) end
end
return {1, tostring(version), final}
